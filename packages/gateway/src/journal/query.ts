/** `audit.query`: lines of the log as they stand, filtered, oldest first, a page at a time. */
import { parseRecord, type AuditRecord } from '@airlock/audit';
import type { AuditQueryResult } from '@airlock/protocol';
import { GATEWAY_LIMITS } from '../limits.js';
import { segmentLines, segmentNames } from './segments.js';

export interface QueryParams {
  readonly service?: string;
  readonly event?: string;
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** Only records with a higher `seq`. */
  readonly after?: number;
  /** Only the newest so many. */
  readonly last?: number;
}

const isWanted = (record: AuditRecord, { service, event, sinceMs, untilMs, after }: QueryParams): boolean => {
  const atMs = Date.parse(record.ts);
  return (
    (service === undefined || record['service'] === service) &&
    (event === undefined || record.event === event) &&
    (sinceMs === undefined || atMs >= sinceMs) &&
    (untilMs === undefined || atMs <= untilMs) &&
    (after === undefined || record.seq > after)
  );
};

interface Hit {
  readonly seq: number;
  readonly line: string;
}

async function* hitsIn(dir: string, segment: string, params: QueryParams): AsyncGenerator<Hit> {
  for await (const line of segmentLines(dir, segment)) {
    const record = parseRecord(line);
    if (record !== null && isWanted(record, params)) yield { seq: record.seq, line };
  }
}

/** A segment's records are never of a later day than its name, so older ones need no reading. */
const candidates = (dir: string, { sinceMs }: QueryParams): string[] => {
  const names = segmentNames(dir);
  if (sinceMs === undefined) return names;
  const oldest = `${new Date(Math.min(sinceMs, 8.64e15)).toISOString().slice(0, 10)}.jsonl`;
  return names.filter((name) => name >= oldest);
};

const page = (hits: readonly Hit[], next: number | null): AuditQueryResult => ({ lines: hits.map(({ line }) => line), next });

/** The newest `last`, as far as they fit one answer: read from the newest segment back. */
const newest = async (dir: string, params: QueryParams, last: number): Promise<AuditQueryResult> => {
  let kept: Hit[] = [];
  const wanted = Math.min(last, GATEWAY_LIMITS.maxQueryLines);
  for (const segment of candidates(dir, params).reverse()) {
    const own: Hit[] = [];
    for await (const hit of hitsIn(dir, segment, params)) {
      own.push(hit);
      if (own.length > 2 * wanted) own.splice(0, own.length - wanted);
    }
    kept = [...own, ...kept].slice(-wanted);
    if (kept.length >= wanted) break;
  }
  while (kept.reduce((sum, { line }) => sum + line.length, 0) > GATEWAY_LIMITS.maxQueryBytes)
    kept = kept.slice(Math.ceil(kept.length / 2));
  return page(kept, null);
};

export const queryLog = async (dir: string, params: QueryParams): Promise<AuditQueryResult> => {
  if (params.last !== undefined) return newest(dir, params, params.last);
  const hits: Hit[] = [];
  let bytes = 0;
  let next: number | null = null;
  for (const segment of candidates(dir, params)) {
    for await (const hit of hitsIn(dir, segment, params)) {
      bytes += hit.line.length;
      if (hits.length >= GATEWAY_LIMITS.maxQueryLines || (hits.length > 0 && bytes > GATEWAY_LIMITS.maxQueryBytes))
        return page(hits, next);
      hits.push(hit);
      next = hit.seq;
    }
  }
  return page(hits, null);
};
