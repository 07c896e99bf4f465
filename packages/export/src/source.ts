/**
 * One of the two logs, read over export.sock from any place on, with no way to change anything.
 *
 * SINK-9  a log that is not the one the position is of (restored, begun anew) is told from its start.
 */
import { connectSocket, type Connection } from '@airlock/ipc';
import type { LogChunk, LogSegment } from '@airlock/protocol';
import { createHash } from 'node:crypto';
import { EXPORT_LIMITS } from './limits.js';
import { START, type Position } from './position.js';
import { parseLine, type LogName, type LogRecord } from './record.js';

export interface Batch {
  readonly records: readonly LogRecord[];
  /** Behind the last of them. */
  readonly next: Omit<Position, 'traces'>;
}

/** AUDIT-5. What is longer is no record. */
const MAX_LINE_BYTES = 65_536;

/** What was removed before it was told: said as a record, so that the gap is seen where the rest is. */
const gap = (after: number, first: LogRecord): LogRecord => ({
  seq: first.seq,
  ts: first.ts,
  event: 'export_gap',
  fields: { from: after + 1, to: first.seq - 1 },
});

const EMPTY = Buffer.alloc(0);
const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

interface Place {
  readonly segment: string;
  readonly offset: number;
}

/** Where to read on: in the segment, or at the start of the next one there is. Pure. */
export const decidePlace = ({ segment, offset }: Place, segments: readonly LogSegment[]): Place | null => {
  const here = segments.find(({ name }) => name === segment);
  if (here !== undefined && here.bytes > offset) return { segment, offset };
  const next = segments.find(({ name, bytes }) => name > segment && bytes > 0);
  return next === undefined ? null : { segment: next.name, offset: 0 };
};

export class Source {
  readonly #path: string;
  #link: Connection | null = null;
  /** Whether the log behind this connection is the one that the position is of: another one needs another gateway process. */
  #isKnown = false;

  readonly #methods: { readonly segments: string; readonly read: string };

  constructor(path: string, log: LogName = 'gateway') {
    this.#path = path;
    const family = log === 'gateway' ? 'log' : 'totp';
    this.#methods = { segments: `${family}.segments`, read: `${family}.read` };
  }

  /** The next records after the position; none where there are none yet. @throws AirlockError where airlock-gateway does not answer */
  async next(position: Position): Promise<Batch | null> {
    const link = (this.#link ??= await this.#connect());
    const { segments } = (await link.call(this.#methods.segments, {})) as { segments: readonly LogSegment[] };
    const from = await this.#known(link, position, segments);
    const place = decidePlace(from, segments);
    if (place === null) return null;
    const batch = this.#batch(from, place, await this.#read(link, place));
    this.#isKnown ||= batch !== null;
    return batch;
  }

  /** SINK-9: the position, or the start where the log is another one by now. */
  async #known(link: Connection, position: Position, segments: readonly LogSegment[]): Promise<Position> {
    const { segment, offset, last } = position;
    const here = segments.find(({ name }) => name === segment);
    if (this.#isKnown || last === undefined || here === undefined) return position;
    const bytes = here.bytes < offset ? EMPTY : await this.#read(link, { segment, offset: offset - last.bytes });
    this.#isKnown = digestOf(bytes.subarray(0, last.bytes)) === last.digest;
    return this.#isKnown ? position : { ...START, traces: position.traces };
  }

  async #read(link: Connection, { segment, offset }: Place): Promise<Buffer> {
    const { data } = (await link.call(this.#methods.read, { segment, offset })) as LogChunk;
    return Buffer.from(data, 'base64url');
  }

  close(): void {
    this.#link?.close();
    this.#link = null;
  }

  async #connect(): Promise<Connection> {
    const link = await connectSocket(this.#path, { onClose: () => (this.#link = null) });
    this.#isKnown = false;
    return link;
  }

  #batch(position: Position, { segment, offset }: Place, bytes: Buffer): Batch | null {
    const records: LogRecord[] = [];
    let at = 0;
    let { seq, last } = position;
    for (let end = bytes.indexOf(10); end >= 0 && records.length < EXPORT_LIMITS.maxBatchRecords; end = bytes.indexOf(10, at)) {
      const record = parseLine(bytes.toString('utf8', at, end));
      last = { bytes: end + 1 - at, digest: digestOf(bytes.subarray(at, end + 1)) };
      at = end + 1;
      if (record === null) continue;
      if (seq > 0 && record.seq > seq + 1) records.push(gap(seq, record));
      records.push(record);
      ({ seq } = record);
    }
    // No record is that long: it is passed over, and what was in it is missing as a gap.
    if (at === 0 && bytes.length >= MAX_LINE_BYTES) at = bytes.length;
    if (at === 0) return null;
    const next = { segment, offset: offset + at, seq };
    return { records, next: last === undefined || records.length === 0 ? next : { ...next, last } };
  }
}
