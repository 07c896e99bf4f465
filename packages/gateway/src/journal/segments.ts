/** The log's files as bytes, for verification, queries and followers. Never through a link; nothing is verified here. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { AirlockError, encodeBase64url, type LogChunk, type LogSegment } from '@airlock/protocol';
import { GATEWAY_LIMITS } from '../limits.js';
import { listDirectory } from '../state/files.js';

const SEGMENT = /^[0-9]{4}-[0-9]{2}-[0-9]{2}\.jsonl$/;
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const LF = 0x0a;

const withFile = <T>(path: string, use: (fd: number) => T): T => {
  let fd: number;
  try {
    fd = openSync(path, READ_FLAGS);
  } catch {
    throw new AirlockError('NOT_FOUND', 'there is no such segment of the log', { hint: 'use a name from log.segments' });
  }
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
};

/** Names of the segments, oldest first. */
export const segmentNames = (dir: string): string[] => listDirectory(dir).filter((name) => SEGMENT.test(name));

export const segmentList = (dir: string): LogSegment[] =>
  segmentNames(dir).map((name) => ({ name, bytes: withFile(join(dir, name), (fd) => fstatSync(fd).size) }));

/** At most 512 KiB from `offset`. The name is of the schema's form, so it leads nowhere else. @throws AirlockError NOT_FOUND */
export const readChunk = (dir: string, segment: string, offset: number): LogChunk =>
  withFile(join(dir, segment), (fd) => {
    const buffer = Buffer.alloc(GATEWAY_LIMITS.maxLogChunkBytes);
    const got = readSync(fd, buffer, 0, buffer.length, offset);
    const next = offset + got;
    return { data: encodeBase64url(buffer.subarray(0, got)), next: next < fstatSync(fd).size ? next : null };
  });

/** Whole lines from `offset` on, and where the next read begins; at most one chunk's worth. */
export const linesFrom = (dir: string, segment: string, offset: number): { readonly lines: string[]; readonly next: number } =>
  withFile(join(dir, segment), (fd) => {
    const buffer = Buffer.alloc(GATEWAY_LIMITS.maxLogChunkBytes);
    const bytes = buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, offset));
    const end = bytes.lastIndexOf(LF) + 1;
    const lines = bytes.toString('utf8', 0, end).split('\n').slice(0, -1);
    return { lines, next: offset + end };
  });

const pause = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Every line of a segment, other work let through between chunks. */
export async function* segmentLines(dir: string, segment: string): AsyncGenerator<string> {
  for (let read = linesFrom(dir, segment, 0); read.lines.length > 0; read = linesFrom(dir, segment, read.next)) {
    yield* read.lines;
    await pause();
  }
}
