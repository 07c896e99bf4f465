/** Temporary logs, a clock and timers that the test moves, a file system that fails on demand. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Timers } from '@airlock/protocol';
import { nodeFs, openLog, type AuditLog, type LogFs, type LogOptions, type SegmentSource } from '../src/index.js';

export const DAY_MS = 86_400_000;

export class TestClock {
  now = Date.UTC(2026, 10, 20, 12);
  boot = 1_000_000;
  wallMs = (): number => this.now;
  bootMs = (): number => this.boot;
}

/** Timers that run when the test says so. */
export class TestTimers implements Timers {
  pending: (() => void)[] = [];
  after = (_ms: number, fn: () => void): { cancel: () => void } => {
    this.pending.push(fn);
    return { cancel: () => (this.pending = this.pending.filter((other) => other !== fn)) };
  };
  nowMs = (): number => 0;
  runAll(): void {
    const due = this.pending;
    this.pending = [];
    for (const fn of due) fn();
  }
}

export const tempDir = (t: { teardown: (fn: () => void) => unknown }): string => {
  const top = mkdtempSync(join(tmpdir(), 'airlock-audit-'));
  t.teardown(() => rmSync(top, { recursive: true, force: true }));
  return join(top, 'log');
};

export const testLog = (dir: string, more: Partial<LogOptions> = {}): AuditLog =>
  openLog({ dir, clock: new TestClock(), reserveBytes: 4096, bootId: 'b', timers: new TestTimers(), ...more });

export const SEGMENT = '2026-11-20.jsonl';

export const readSegment = (dir: string, name = SEGMENT): Buffer => readFileSync(join(dir, name));
export const writeSegment = (dir: string, bytes: Uint8Array, name = SEGMENT): void =>
  writeFileSync(join(dir, name), bytes, { mode: 0o600 });

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** One segment as `verifyLog` reads it, delivered in pieces. */

export async function* oneSegment(bytes: Uint8Array, size = 1 << 20, name = SEGMENT): AsyncGenerator<SegmentSource> {
  yield { name, chunks: pieces(bytes, size) };
}

export const failure = (code: string): Error => Object.assign(new Error(`${code}: injected`), { code });

export type Fault = (call: keyof LogFs, nth: number) => Error | 'short' | 'zero' | null;

/** nodeFs, asked before every call whether it is to fail. `calls` counts them. */
export const faultyFs = (fault: Fault): LogFs & { calls: Map<string, number> } => {
  const calls = new Map<string, number>();
  const ask = (call: keyof LogFs): ReturnType<Fault> => {
    const nth = (calls.get(call) ?? 0) + 1;
    calls.set(call, nth);
    return fault(call, nth);
  };
  const failing = (call: keyof LogFs): void => {
    const answer = ask(call);
    if (answer instanceof Error) throw answer;
  };
  return {
    ...nodeFs,
    calls,
    open: (path, flags, mode) => (failing('open'), nodeFs.open(path, flags, mode)),
    stat: (fd) => (failing('stat'), nodeFs.stat(fd)),
    read: (fd, into, length, position) => (failing('read'), nodeFs.read(fd, into, length, position)),
    write: (fd, bytes, offset, length, position) => {
      const answer = ask('write');
      if (answer instanceof Error) throw answer;
      if (answer === 'zero') return 0;
      return nodeFs.write(fd, bytes, offset, answer === 'short' ? Math.ceil(length / 3) : length, position);
    },
    datasyncSync: (fd) => (failing('datasyncSync'), nodeFs.datasyncSync(fd)),
    datasync: (fd, done) => {
      const answer = ask('datasync');
      if (answer instanceof Error) setImmediate(() => done(answer));
      else nodeFs.datasync(fd, done);
    },
    syncSync: (fd) => (failing('syncSync'), nodeFs.syncSync(fd)),
    truncate: (fd, length) => (failing('truncate'), nodeFs.truncate(fd, length)),
    unlink: (path) => (failing('unlink'), nodeFs.unlink(path)),
    mkdir: (path, mode) => (failing('mkdir'), nodeFs.mkdir(path, mode)),
    list: (dir) => (failing('list'), nodeFs.list(dir)),
    freeBytes: (dir) => (failing('freeBytes'), nodeFs.freeBytes(dir)),
  };
};
