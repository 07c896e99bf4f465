/** This daemon's log as bytes, for whoever verifies it (`log.segments`, `log.read`). */
import { closeSync, constants, fstatSync, openSync, readSync, readdirSync, lstatSync } from 'node:fs';
import { AirlockError, encodeBase64url, type LogChunk, type LogSegment } from '@airlock/protocol';

/** Directory of this daemon's log below its state. */
export const logDirOf = (stateDir: string): string => `${stateDir}/audit`;

const SEGMENT = /^[0-9]{4}-[0-9]{2}-[0-9]{2}\.jsonl$/;
/** A base64url answer of this many bytes stays below maxFrameOutBytes. */
const CHUNK_BYTES = 512 * 1024;

/** Oldest first. Empty where there is no log yet. */
export const listSegments = (dir: string): readonly LogSegment[] => {
  try {
    const names = readdirSync(dir).filter((name) => SEGMENT.test(name));
    return names.sort().map((name) => ({ name, bytes: lstatSync(`${dir}/${name}`).size }));
  } catch {
    return [];
  }
};

const notThere = (): AirlockError =>
  new AirlockError('NOT_FOUND', 'no segment of the log has this name', { hint: 'list them first: log.segments' });

const openSegment = (path: string): number => {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch {
    throw notThere();
  }
};

/** @param segment a name the schema has checked: no path. @throws AirlockError NOT_FOUND */
export const readSegment = (dir: string, segment: string, offset: number): LogChunk => {
  if (!SEGMENT.test(segment)) throw notThere();
  const fd = openSegment(`${dir}/${segment}`);
  try {
    const bytes = Buffer.alloc(CHUNK_BYTES);
    const count = readSync(fd, bytes, 0, CHUNK_BYTES, offset);
    const end = offset + count;
    return { data: encodeBase64url(bytes.subarray(0, count)), next: end < fstatSync(fd).size && count > 0 ? end : null };
  } finally {
    closeSync(fd);
  }
};
