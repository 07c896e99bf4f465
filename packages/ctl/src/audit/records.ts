/** audit: the records of both daemons as they are read, filtered, printed, followed. */
import { connectSocket } from '@airlock/ipc';
import { AirlockError, type AuditQueryResult } from '@airlock/protocol';
import { textOption, type Invocation } from '../commands/command.js';
import { ask, operatorPath, withSocket, type Context } from '../context.js';
import { localTime, print, table } from '../output.js';
import { printable, printableValue } from '../printable.js';
import { isTaken, learn, newKin, type Kin, type Wanted } from './selection.js';
import { logLines, withServedLog, type LogName } from './sources.js';
import { sinceOf } from './span.js';

interface Shown {
  readonly seq: number;
  readonly ts: string;
  readonly event: string;
  readonly prev: string;
  readonly log: LogName;
  readonly [field: string]: unknown;
}

const parseLine = (line: string, log: LogName): Shown | null => {
  try {
    return { ...(JSON.parse(line) as Omit<Shown, 'log'>), log } as Shown;
  } catch {
    return null;
  }
};

interface Filter {
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

const wanted = (record: Shown, { service, event, sinceMs, kin }: Filter): boolean =>
  isOfKin(record, kin) &&
  (service === undefined || record['service'] === service) &&
  (event === undefined || record.event === event) &&
  (sinceMs === undefined || Date.parse(record.ts) >= sinceMs);

/** airlock-totp's log is small: read whole. */
const totpRecords = (context: Context, filter: Filter): Promise<Shown[]> =>
  withServedLog(context, 'totp', async (log) => {
    const records: Shown[] = [];
    for await (const line of logLines(log)) {
      const record = parseLine(line.toString('utf8'), 'totp');
      if (record && wanted(record, filter)) records.push(record);
    }
    return records;
  });

/** The gateway filters, page by page. */
const gatewayRecords = (context: Context, filter: Filter): Promise<Shown[]> =>
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

const kinOf = (invocation: Invocation): Filter['kin'] => {
  const [session, lease] = [textOption(invocation, 'session'), textOption(invocation, 'lease')];
  if (session === undefined && lease === undefined) return null;
  const asked = { ...(session === undefined ? {} : { session }), ...(lease === undefined ? {} : { lease }) };
  return { wanted: asked, ids: newKin(asked) };
};

const row = (record: Shown): string[] => [localTime(record.ts), printable(record.event), detail(record)];

/** What was comes first: what arrives meanwhile waits, and is not shown twice. */
const follow = async (context: Context, filter: Filter): Promise<never> => {
  let newest = 0;
  let waiting: Shown[] | null = [];
  const show = (record: Shown): void => {
    if (record.seq <= newest) return;
    newest = record.seq;
    print(context, record, row(record).join('  '));
  };
  const receive = (params: object): void => {
    const record = parseLine((params as { line: string }).line, 'gateway');
    if (!record || !wanted(record, filter)) return;
    if (waiting === null) show(record);
    else waiting.push(record);
  };
  let end: (reason: AirlockError) => void = () => undefined;
  const closed = new Promise<AirlockError>((resolve) => {
    end = resolve;
  });
  const link = await connectSocket(operatorPath(context), {
    notifications: { 'audit.record': { params: () => null, handle: receive } },
    onClose: (_link, reason) => end(reason),
  });
  await ask(link, 'audit.follow');
  if (filter.sinceMs !== undefined) for (const record of await gatewayRecords(context, filter)) show(record);
  for (const record of waiting) show(record);
  waiting = null;
  throw await closed;
};

export const audit = async (context: Context, invocation: Invocation): Promise<void> => {
  const filter = {
    service: textOption(invocation, 'service'),
    event: textOption(invocation, 'event'),
    sinceMs: sinceOf(invocation),
    kin: kinOf(invocation),
  };
  if (invocation.options['follow'] === true) return follow(context, filter);
  // The gateway's first: it names the session of a lease whose approval stands in the other log.
  const gateway = await gatewayRecords(context, filter);
  const totp = await totpRecords(context, filter);
  const records = [...gateway, ...totp].sort((a, b) => a.ts.localeCompare(b.ts));
  print(context, records, records.length === 0 ? 'no record' : table(['when', 'event', 'details'], records.map(row)));
};
