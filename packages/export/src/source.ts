/** The gateway's log, read over export.sock from any place on: two methods, and no way to change anything. */
import { connectSocket, type Connection } from '@airlock/ipc';
import type { LogChunk, LogSegment } from '@airlock/protocol';
import { EXPORT_LIMITS } from './limits.js';
import type { Position } from './position.js';
import { parseLine, type LogRecord } from './record.js';

export interface Batch {
  readonly records: readonly LogRecord[];
  /** Behind the last of them. */
  readonly next: Pick<Position, 'segment' | 'offset' | 'seq'>;
}

/** What was removed before it was told: said as a record, so that the gap is seen where the rest is. */
const gap = (after: number, first: LogRecord): LogRecord => ({
  seq: first.seq,
  ts: first.ts,
  event: 'export_gap',
  fields: { from: after + 1, to: first.seq - 1 },
});

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

  constructor(path: string) {
    this.#path = path;
  }

  /** The next records after the position; none where there are none yet. @throws AirlockError where airlock-gateway does not answer */
  async next(position: Position): Promise<Batch | null> {
    const link = (this.#link ??= await this.#connect());
    const { segments } = (await link.call('log.segments', {})) as { segments: readonly LogSegment[] };
    const place = decidePlace(position, segments);
    if (place === null) return null;
    const { data } = (await link.call('log.read', { segment: place.segment, offset: place.offset })) as LogChunk;
    return this.#batch(position, place, Buffer.from(data, 'base64url'));
  }

  close(): void {
    this.#link?.close();
    this.#link = null;
  }

  async #connect(): Promise<Connection> {
    const link = await connectSocket(this.#path, { onClose: () => (this.#link = null) });
    return link;
  }

  #batch(position: Position, { segment, offset }: Place, bytes: Buffer): Batch | null {
    const records: LogRecord[] = [];
    let at = 0;
    let { seq } = position;
    for (let end = bytes.indexOf(10); end >= 0 && records.length < EXPORT_LIMITS.maxBatchRecords; end = bytes.indexOf(10, at)) {
      const record = parseLine(bytes.toString('utf8', at, end));
      at = end + 1;
      if (record === null) continue;
      if (position.seq > 0 && record.seq > seq + 1) records.push(gap(seq, record));
      records.push(record);
      ({ seq } = record);
    }
    return at === 0 ? null : { records, next: { segment, offset: offset + at, seq } };
  }
}
