/** Reads the segments of a directory synchronously, through checked descriptors. */
import { join } from 'node:path';
import { MAX_LINE_BYTES, READ_CHUNK_BYTES } from './limits.js';
import { READ_FLAGS, type LogFs } from './log-fs.js';
import { openFile } from './trusted-files.js';

const LF = 0x0a;

/** A segment's bytes from `position`, in chunks that are valid until the next one. @throws AUDIT_UNAVAILABLE, or what reading throws. */
export function* segmentChunks(fs: LogFs, dir: string, name: string, position = 0): Generator<Buffer> {
  const fd = openFile(fs, join(dir, name), READ_FLAGS);
  try {
    const buffer = Buffer.alloc(READ_CHUNK_BYTES);
    let at = position;
    let got = fs.read(fd, buffer, buffer.length, at);
    while (got > 0) {
      yield buffer.subarray(0, got);
      at += got;
      got = fs.read(fd, buffer, buffer.length, at);
    }
  } finally {
    fs.close(fd);
  }
}

/** `seq` of the segment's first record, or null where there is no first record to read it from. */
export const firstSeq = (fs: LogFs, dir: string, name: string): number | null => {
  const fd = openFile(fs, join(dir, name), READ_FLAGS);
  try {
    const start = Buffer.alloc(32);
    const text = start.toString('latin1', 0, fs.read(fd, start, start.length, 0));
    const seq = Number(/^\{"seq":([1-9][0-9]{0,15}),/u.exec(text)?.[1]);
    return Number.isSafeInteger(seq) ? seq : null;
  } finally {
    fs.close(fd);
  }
};

/** Index of the newest of the segments that starts at or before `seq`, else 0. */
export const indexOfSeq = (fs: LogFs, dir: string, names: readonly string[], seq: number): number => {
  const found = names.findLastIndex((name) => {
    const first = firstSeq(fs, dir, name);
    return first !== null && first <= seq;
  });
  return Math.max(0, found);
};

/** The lines of a segment without LF, as views; what follows the last LF is left out. */
export function* segmentLines(fs: LogFs, dir: string, name: string, position = 0): Generator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for (const chunk of segmentChunks(fs, dir, name, position)) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, at)) {
      yield bytes.subarray(at, end);
      at = end + 1;
    }
    rest = Buffer.from(bytes.subarray(at));
    if (rest.length > MAX_LINE_BYTES) rest = rest.subarray(0, MAX_LINE_BYTES);
  }
}
