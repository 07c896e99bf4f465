/** The records of both daemons as they are read, filtered, shown. */
import type { AuditQueryResult } from '@airlock/protocol';
import { ask, operatorPath, withSocket, type Context } from '../context.js';
import { localTime } from '../output.js';
import { printable, printableValue } from '../printable.js';
import { isTaken, learn, type Kin, type Wanted } from './selection.js';
import { logLines, withServedLog, type LogName } from './sources.js';

/** A record of one log. */
export interface Shown {
  readonly seq: number;
  readonly ts: string;
  readonly event: string;
  readonly prev: string;
  readonly log: LogName;
  readonly [field: string]: unknown;
}

/** A line of a log; null where it is none. */
export const parseLine = (line: string, log: LogName): Shown | null => {
  try {
    return { ...(JSON.parse(line) as Omit<Shown, 'log'>), log } as Shown;
  } catch {
    return null;
  }
};

/** What was asked for. */
export interface Filter {
  readonly service: string | undefined;
  readonly event: string | undefined;
  readonly sinceMs: number | undefined;
  /** Of one session or lease; grows with what is read (docs/spec/export.md EXPORT-2). */
  readonly kin: { readonly wanted: Wanted; readonly ids: Kin } | null;
}

const isOfKin = (record: Shown, kin: Filter['kin']): boolean => {
  if (kin === null) return true;
  const line = JSON.stringify(record);
  learn(kin.ids, kin.wanted, line);
  return isTaken(kin.ids, kin.wanted, line);
};

/** Whether a record was asked for; what it tells of a session or lease is remembered. */
export const wanted = (record: Shown, { service, event, sinceMs, kin }: Filter): boolean =>
  isOfKin(record, kin) &&
  (service === undefined || record['service'] === service) &&
  (event === undefined || record.event === event) &&
  (sinceMs === undefined || Date.parse(record.ts) >= sinceMs);

/** airlock-totp's log is small: read whole. */
export const totpRecords = (context: Context, filter: Filter): Promise<Shown[]> =>
  withServedLog(context, 'totp', async (log) => {
    const records: Shown[] = [];
    for await (const line of logLines(log)) {
      const record = parseLine(line.toString('utf8'), 'totp');
      if (record && wanted(record, filter)) records.push(record);
    }
    return records;
  });

/** The gateway filters, page by page. */
export const gatewayRecords = (context: Context, filter: Filter): Promise<Shown[]> =>
  withSocket(operatorPath(context), async (link) => {
    const records: Shown[] = [];
    const { kin, ...asked } = filter;
    // What belongs to a session or lease is found in all of its time.
    const query = kin === null ? Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined)) : {};
    let after: number | null | undefined;
    do {
      const page: AuditQueryResult = await ask<AuditQueryResult>(
        link,
        'audit.query',
        after === undefined ? query : { ...query, after },
      );
      for (const line of page.lines) {
        const record = parseLine(line, 'gateway');
        if (record && wanted(record, filter)) records.push(record);
      }
      after = page.next;
    } while (after !== null);
    return records;
  });

/** Shown in a column of their own, or, as signed notes, of no use to a reader. */
const KNOWN = new Set(['seq', 'ts', 'event', 'prev', 'log', 'note']);
const detail = (record: Shown): string =>
  Object.entries(record)
    .filter(([key]) => !KNOWN.has(key))
    .map(([key, value]) => `${key}=${printableValue(value)}`)
    .join(' ');

/** A record as the cells of a line. */
export const row = (record: Shown): string[] => [localTime(record.ts), printable(record.event), detail(record)];
