/**
 * How far a sink has come, on disk: replaced whole, durable before it counts.
 *
 * SINK-3  a damaged position is no position: everything is told again rather than something left out.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { EMPTY_TRACES, type TraceState } from './traces.js';

export interface Position {
  /** Name of the segment; empty: before the first. */
  readonly segment: string;
  /** Byte behind the last record that was received. */
  readonly offset: number;
  readonly seq: number;
  readonly traces: TraceState;
  /** The line before `offset`, by which the log is known again. */
  readonly last?: LastLine;
}

export interface LastLine {
  /** With its LF. */
  readonly bytes: number;
  /** SHA-256, hexadecimal. */
  readonly digest: string;
}

export const START: Position = { segment: '', offset: 0, seq: 0, traces: EMPTY_TRACES };

const isPosition = (value: unknown): value is Position => {
  const { segment, offset, seq, traces, last } = (value ?? {}) as Partial<Position>;
  const isNumber = (one: unknown): boolean => Number.isSafeInteger(one) && (one as number) >= 0;
  const maps = [traces?.requests, traces?.leases, traces?.operations];
  const isLast = last === undefined || (isNumber(last.bytes) && last.bytes <= Number(offset) && typeof last.digest === 'string');
  return (
    typeof segment === 'string' && isNumber(offset) && isNumber(seq) && isLast && maps.every((one) => typeof one === 'object')
  );
};

export const readPosition = (path: string): Position => {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isPosition(value) ? value : START;
  } catch {
    return START;
  }
};

/** @throws what the file system throws; then the old one counts */
export const writePosition = (path: string, position: Position): void => {
  const temporary = `${path}.new`;
  const fd = openSync(temporary, 'w', 0o600);
  try {
    writeSync(fd, JSON.stringify(position));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
};
