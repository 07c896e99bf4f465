/** The processes of an instance, seen from outside through /proc, and the ways to disturb them. */
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { connectSocket } from '@airlock/ipc';
import type { ApproveStatus, GatewayStatus } from '@airlock/protocol';
import type { Running } from './instance.js';

export type ProgramName = 'airlock-totp' | 'airlock-gateway' | 'airlock-cell';

const POLL_MS = 10;
/** Generous: a machine with other work is no failure. */
const UNTIL_MS = 20_000;

const textOf = (pid: string, file: string): string => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
};

/** Pids of a program of this instance. */
export const pidsOf = (running: Running, program: ProgramName): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => textOf(pid, 'cmdline').includes(`/${program}.cjs`))
    .filter((pid) => textOf(pid, 'environ').includes(`AIRLOCK_RUNTIME_DIR=${running.env['AIRLOCK_RUNTIME_DIR'] ?? ''}\0`))
    .map(Number);

/** Zombies count as gone. */
export const isAlive = (pid: number): boolean => {
  const stat = textOf(String(pid), 'stat');
  return stat !== '' && !/\) [ZX] /.test(stat);
};

/** Polls until the condition gives a value other than false, null or undefined. @throws Error when `ms` are over */
export const until = async <T>(
  what: string,
  condition: () => T | Promise<T>,
  ms = UNTIL_MS,
): Promise<Exclude<T, false | null | undefined>> => {
  const end = performance.now() + ms;
  for (;;) {
    const value = await condition();
    if (value !== false && value !== null && value !== undefined) return value as Exclude<T, false | null | undefined>;
    if (performance.now() >= end) throw new Error(`${what} did not happen within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
};

/** The one process of a daemon; waits for it where it is between two. */
export const daemonOf = (running: Running, program: ProgramName): Promise<number> =>
  until(`a running ${program}`, () => pidsOf(running, program).find(isAlive));

const ask = async <T>(path: string | undefined, method: string): Promise<T> => {
  const link = await connectSocket(path ?? '');
  try {
    return (await link.call(method, {}, { timeoutMs: 2000 })) as T;
  } finally {
    link.close();
  }
};

/** Both daemons answer, and have heard of each other since `sinceMs` where neither is sealed. */
const areBack = async ({ sockets }: Running, sinceMs: number): Promise<boolean> => {
  try {
    const totp = await ask<ApproveStatus>(sockets['approve/default'], 'status');
    const gateway = await ask<GatewayStatus>(sockets['operator/default'], 'status');
    const age = gateway.heartbeatAgeMs;
    return totp.sealed !== null || gateway.sealed !== null || (age !== null && age < performance.now() - sinceMs);
  } catch {
    return false;
  }
};

/** Resolves when both daemons answer and the gateway has heard of airlock-totp after now. */
export const untilServing = async (running: Running, ms = 10_000): Promise<void> => {
  const sinceMs = performance.now();
  await until('an answer of both daemons', () => areBack(running, sinceMs), ms);
};

/**
 * Stops a daemon in the middle of whatever it does, changes something while it cannot look, and kills it without
 * a chance to tidy up. Resolves when the next process answers.
 */
export const restartWith = async (
  running: Running,
  program: 'airlock-totp' | 'airlock-gateway',
  change: () => void = () => undefined,
): Promise<number> => {
  const before = await daemonOf(running, program);
  process.kill(before, 'SIGSTOP');
  change();
  process.kill(before, 'SIGKILL');
  const after = await until(`another ${program}`, () => pidsOf(running, program).find((pid) => pid !== before && isAlive(pid)));
  await untilServing(running);
  return after;
};

interface Range {
  readonly start: number;
  readonly length: number;
}

const CHUNK_BYTES = 16 * 1024 * 1024;

const readableRanges = (pid: number): Range[] =>
  readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, from, to, mode, rest] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)(.*)$/.exec(line) ?? [];
      // Code and constants of files cannot hold what was typed in this test.
      if (from === undefined || to === undefined || mode?.startsWith('rw') !== true || /\[vv/.test(rest ?? '')) return [];
      return [{ start: parseInt(from, 16), length: parseInt(to, 16) - parseInt(from, 16) }];
    });

/** Which of the needles stand in the writable memory of a process. @throws Error where the memory may not be read */
export const memoryHolds = (pid: number, needles: Readonly<Record<string, Buffer>>): string[] => {
  const fd = openSync(`/proc/${pid}/mem`, 'r');
  const found = new Set<string>();
  const overlap = Math.max(...Object.values(needles).map(({ length }) => length));
  const chunk = Buffer.alloc(CHUNK_BYTES);
  const look = ({ start, length }: Range): void => {
    for (let at = 0; at < length; at += CHUNK_BYTES - overlap) {
      let count: number;
      try {
        count = readSync(fd, chunk, 0, Math.min(CHUNK_BYTES, length - at), start + at);
      } catch {
        // Reserved and never used, or given back meanwhile.
        return;
      }
      const seen = chunk.subarray(0, count);
      for (const [name, needle] of Object.entries(needles)) if (seen.includes(needle)) found.add(name);
    }
  };
  try {
    readableRanges(pid).forEach(look);
  } finally {
    closeSync(fd);
  }
  return [...found];
};
