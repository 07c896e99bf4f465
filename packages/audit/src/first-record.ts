/** The record that a log begins with, read without opening the log. */
import { join } from 'node:path';
import { MAX_LINE_BYTES } from './limits.js';
import { READ_FLAGS, nodeFs, type LogFs } from './log-fs.js';
import { parseRecord } from './query.js';
import { segmentNames } from './segment-name.js';
import { openFile } from './trusted-files.js';
import type { AuditRecord } from './types.js';

const LF = 0x0a;

/** The first line of a segment; empty where none is whole. @throws what reading throws */
export const firstLine = (fs: LogFs, dir: string, name: string): string => {
  const fd = openFile(fs, join(dir, name), READ_FLAGS);
  try {
    const bytes = Buffer.alloc(MAX_LINE_BYTES);
    const got = bytes.subarray(0, fs.read(fd, bytes, bytes.length, 0));
    const end = got.indexOf(LF);
    return end < 0 ? '' : got.toString('utf8', 0, end);
  } finally {
    fs.close(fd);
  }
};

/** Its place in the chain is not looked at. null: nothing whole stands there. @throws what listing and reading throw */
export const firstRecord = (dir: string, fs: LogFs = nodeFs): AuditRecord | null => {
  for (const name of segmentNames(fs.list(dir))) {
    const line = firstLine(fs, dir, name);
    // A segment that was begun, and no record written.
    if (line !== '') return parseRecord(line);
  }
  return null;
};
