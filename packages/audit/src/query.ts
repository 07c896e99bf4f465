/** Searches a log as text, streaming; it does not verify what it reads. */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { READ_CHUNK_BYTES } from './limits.js';
import { READ_FLAGS } from './log-fs.js';
import { recordTime } from './record.js';
import { segmentNames, segmentOf } from './segment-name.js';
import type { AuditRecord } from './types.js';

export interface QueryFilter {
  readonly service?: string;
  readonly event?: string;
  /** Inclusive bounds on `ts`, milliseconds since 1970. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** Only the newest so many of what matches, still oldest first. */
  readonly last?: number;
}

export type QuerySource = { readonly dir: string } | { readonly lines: AsyncIterable<string> | Iterable<string> };
export type QueryOptions = QuerySource & { readonly filter?: QueryFilter };

/** A line as a record, or null where it is none (a tail that is being written). */
export const parseRecord = (line: string): AuditRecord | null => {
  try {
    const value = JSON.parse(line) as Partial<AuditRecord> | null;
    const whole =
      typeof value?.seq === 'number' &&
      typeof value.ts === 'string' &&
      typeof value.event === 'string' &&
      typeof value.prev === 'string';
    return whole ? (value as AuditRecord) : null;
  } catch {
    return null;
  }
};

const isMatch = (record: AuditRecord, filter: QueryFilter): boolean => {
  const at = Date.parse(record.ts);
  return (
    (filter.service === undefined || record['service'] === filter.service) &&
    (filter.event === undefined || record.event === filter.event) &&
    (filter.sinceMs === undefined || at >= filter.sinceMs) &&
    (filter.untilMs === undefined || at <= filter.untilMs)
  );
};

function* fileLines(path: string): Generator<string> {
  const fd = openSync(path, READ_FLAGS);
  try {
    const buffer = Buffer.alloc(READ_CHUNK_BYTES);
    let rest: Buffer = Buffer.alloc(0);
    for (let got = readSync(fd, buffer); got > 0; got = readSync(fd, buffer)) {
      const bytes = Buffer.concat([rest, buffer.subarray(0, got)]);
      let at = 0;
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, at)) {
        yield bytes.toString('utf8', at, end);
        at = end + 1;
      }
      rest = bytes.subarray(at);
    }
  } finally {
    closeSync(fd);
  }
}

async function* matching(lines: AsyncIterable<string> | Iterable<string>, filter: QueryFilter): AsyncGenerator<AuditRecord> {
  for await (const line of lines) {
    const record = parseRecord(line);
    if (record !== null && isMatch(record, filter)) yield record;
  }
}

/** The newest `last` of what comes, holding at most twice as many. */
const newest = async (records: AsyncIterable<AuditRecord>, last: number): Promise<AuditRecord[]> => {
  let kept: AuditRecord[] = [];
  for await (const record of records) {
    kept.push(record);
    if (kept.length >= 2 * last + 1) kept = kept.slice(kept.length - last);
  }
  return last === 0 ? [] : kept.slice(-last);
};

/** A segment's records are never of a later day than its name (AUDIT-3), so older ones need no reading. */
const segmentPaths = (dir: string, filter: QueryFilter): string[] => {
  const oldest = filter.sinceMs === undefined ? '' : segmentOf(recordTime(filter.sinceMs));
  return segmentNames(readdirSync(dir))
    .filter((name) => name >= oldest)
    .map((name) => join(dir, name));
};

async function* everyMatch(dir: string, filter: QueryFilter): AsyncGenerator<AuditRecord> {
  for (const path of segmentPaths(dir, filter)) yield* matching(fileLines(path), filter);
}

/** Newest segment first, until there are enough: the last 20 of a year cost one day's reading. */
const newestInDir = async (dir: string, filter: QueryFilter, last: number): Promise<AuditRecord[]> => {
  let found: AuditRecord[] = [];
  for (const path of segmentPaths(dir, filter).reverse()) {
    if (found.length >= last) break;
    found = [...(await newest(matching(fileLines(path), filter), last - found.length)), ...found];
  }
  return found;
};

/**
 * The records that match, oldest first.
 * @throws what reading the directory throws. Lines that are no records are left out; `verifyLog` is what names them.
 */
export async function* query(options: QueryOptions): AsyncGenerator<AuditRecord> {
  const filter = options.filter ?? {};
  if (filter.last === undefined) yield* 'dir' in options ? everyMatch(options.dir, filter) : matching(options.lines, filter);
  else
    yield* 'dir' in options
      ? await newestInDir(options.dir, filter, filter.last)
      : await newest(matching(options.lines, filter), filter.last);
}
