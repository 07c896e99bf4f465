/** audit and audit verify: what happened, and whether the record is whole. */
import { parseSignedHead, verifyLog, type SegmentSource, type VerifyResult } from '@airlock/audit';
import { connectSocket } from '@airlock/ipc';
import { AirlockError, type AuditQueryResult, type LogChunk, type LogSegment } from '@airlock/protocol';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask, approvePath, operatorPath, withSocket, type Context, type Link } from '../context.js';
import { localTime, note, print, table } from '../output.js';
import { printable, printableValue } from '../printable.js';
import { textOption, type Command, type Invocation } from './command.js';

type LogName = 'gateway' | 'totp';
interface Shown {
  readonly seq: number;
  readonly ts: string;
  readonly event: string;
  readonly prev: string;
  readonly log: LogName;
  readonly [field: string]: unknown;
}

const DAY_MS = 86_400_000;
const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS };

/** `7d`, `12h`, `30m`, `2w` → milliseconds. */
export const parseSpan = (text: string): number => {
  const [, count, unit] = /^(\d{1,4})([mhdw])$/.exec(text) ?? [];
  const unitMs = UNITS[unit ?? ''];
  if (count !== undefined && unitMs !== undefined) return Number(count) * unitMs;
  throw new AirlockError('PARAMS_INVALID', `--last: found ${text}, allowed: a number and m, h, d or w`, {
    field: '--last',
    expected: 'for example 30m, 12h, 7d',
    found: text,
  });
};

const sinceOf = (invocation: Invocation): number | undefined => {
  const last = textOption(invocation, 'last');
  if (last !== undefined) return Date.now() - parseSpan(last);
  const [day] = invocation.args;
  if (day === undefined) return undefined;
  if (day === 'today') return new Date().setHours(0, 0, 0, 0);
  throw new AirlockError('PARAMS_INVALID', `audit: found ${day}, allowed: today, or nothing`, {
    field: 'DAY',
    expected: 'today',
    found: day,
    hint: 'airlock-ctl audit --last 7d',
  });
};

const segmentChunks = async function* (link: Link, { name, bytes }: LogSegment): AsyncGenerator<Uint8Array> {
  let offset: number | null = bytes === 0 ? null : 0;
  while (offset !== null) {
    const chunk: LogChunk = await ask<LogChunk>(link, 'log.read', { segment: name, offset });
    yield Buffer.from(chunk.data, 'base64url');
    offset = chunk.next;
  }
};

const segmentSources = async function* (link: Link): AsyncGenerator<SegmentSource> {
  const { segments } = await ask<{ segments: readonly LogSegment[] }>(link, 'log.segments');
  for (const segment of segments) yield { name: segment.name, chunks: segmentChunks(link, segment) };
};

/** Every line of a log as text, oldest first. */
const logLines = async function* (link: Link): AsyncGenerator<string> {
  for await (const { chunks } of segmentSources(link)) {
    let rest = '';
    for await (const chunk of chunks) {
      const lines = (rest + Buffer.from(chunk).toString('utf8')).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  }
};

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
}

const wanted = (record: Shown, { service, event, sinceMs }: Filter): boolean =>
  (service === undefined || record['service'] === service) &&
  (event === undefined || record.event === event) &&
  (sinceMs === undefined || Date.parse(record.ts) >= sinceMs);

/** airlock-totp's log is small: read whole. */
const totpRecords = (context: Context, filter: Filter): Promise<Shown[]> =>
  withSocket(approvePath(context), async (link) => {
    const records: Shown[] = [];
    for await (const line of logLines(link)) {
      const record = parseLine(line, 'totp');
      if (record && wanted(record, filter)) records.push(record);
    }
    return records;
  });

/** The gateway filters, page by page. */
const gatewayRecords = (context: Context, filter: Filter): Promise<Shown[]> =>
  withSocket(operatorPath(context), async (link) => {
    const records: Shown[] = [];
    const query = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
    let after: number | null | undefined;
    do {
      const page: AuditQueryResult = await ask<AuditQueryResult>(
        link,
        'audit.query',
        after === undefined ? query : { ...query, after },
      );
      for (const line of page.lines) {
        const record = parseLine(line, 'gateway');
        if (record) records.push(record);
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

const row = (record: Shown): string[] => [localTime(record.ts), printable(record.event), detail(record)];

const follow = async (context: Context, filter: Filter): Promise<never> => {
  const closed = new Promise<AirlockError>((resolve) => {
    const receive = (params: object): void => {
      const record = parseLine((params as { line: string }).line, 'gateway');
      if (record && wanted(record, filter)) print(context, record, row(record).join('  '));
    };
    void connectSocket(operatorPath(context), {
      notifications: { 'audit.record': { params: () => null, handle: receive } },
      onClose: (_link, reason) => resolve(reason),
    })
      .then((link) => ask(link, 'audit.follow'))
      .catch((error: unknown) =>
        resolve(error instanceof AirlockError ? error : new AirlockError('INTERNAL', 'following failed')),
      );
  });
  throw await closed;
};

const audit = async (context: Context, invocation: Invocation): Promise<void> => {
  const filter = {
    service: textOption(invocation, 'service'),
    event: textOption(invocation, 'event'),
    sinceMs: sinceOf(invocation),
  };
  if (invocation.options['follow'] === true) return follow(context, filter);
  const [gateway, totp] = await Promise.all([gatewayRecords(context, filter), totpRecords(context, filter)]);
  const records = [...gateway, ...totp].sort((a, b) => a.ts.localeCompare(b.ts));
  print(context, records, records.length === 0 ? 'no record' : table(['when', 'event', 'details'], records.map(row)));
};

const publicKey = (context: Context, log: LogName): string => {
  const path = join(context.configDir, 'keys', `${log}.vkey`);
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    throw new AirlockError('AUDIT_UNAVAILABLE', `the public key ${path} cannot be read`, {
      hint: 'as root: airlock-ctl config keys',
    });
  }
};

/** A fresh head first, so that the newest records are covered too; a sealed log is verified as far as it goes. */
const checkpoint = async (link: Link): Promise<void> => {
  try {
    await ask(link, 'audit.checkpoint');
  } catch (error) {
    if (!(error instanceof AirlockError)) throw error;
  }
};

const verifyOne = async (context: Context, log: LogName, heads: readonly string[]): Promise<VerifyResult> => {
  const path = log === 'gateway' ? operatorPath(context) : approvePath(context);
  const key = publicKey(context, log);
  const mine = heads.filter((head) => key.startsWith(`${parseSignedHead(head).origin}+`));
  return withSocket(path, (link) => verifyLog({ segments: segmentSources(link), heads: mine, publicKeys: [key] }));
};

const verify = async (context: Context): Promise<number> => {
  await withSocket(operatorPath(context), checkpoint);
  const { heads } = await withSocket(approvePath(context), (link) => ask<{ heads: readonly string[] }>(link, 'heads'));
  const results = { gateway: await verifyOne(context, 'gateway', heads), totp: await verifyOne(context, 'totp', heads) };
  const bad = (['gateway', 'totp'] as const).find((log) => !results[log].ok);
  const firstBad = bad === undefined ? undefined : results[bad].firstBad;
  const value = {
    ok: bad === undefined,
    records: results.gateway.records + results.totp.records,
    checkpoints: results.gateway.checkpoints + results.totp.checkpoints,
    ...(bad === undefined || !firstBad ? {} : { firstBad: { log: bad, ...firstBad } }),
  };
  print(
    context,
    value,
    value.ok
      ? `whole: ${value.records} records, ${value.checkpoints} signed heads`
      : `DAMAGED: ${bad ?? ''} log, ${firstBad?.file ?? ''} line ${firstBad?.line ?? 0}: ${firstBad?.problem ?? ''}`,
  );
  if (!value.ok)
    note(
      context,
      'airlock: hint: the record was changed after it was written; keep the files, and treat what happened since the last good head as unknown',
    );
  return value.ok ? 0 : 7;
};

export const AUDIT_COMMANDS: readonly Command[] = [
  {
    name: 'audit',
    args: '[day]',
    summary: 'the record of both daemons; `today`, or --last',
    flags: [
      { flags: '--service <name>', summary: 'only this service' },
      { flags: '--event <name>', summary: 'only this event' },
      { flags: '--last <span>', summary: 'for example 30m, 12h, 7d' },
      { flags: '--follow', summary: 'go on printing as records come' },
    ],
    run: audit,
  },
  { name: 'audit verify', summary: 'is the record whole; exit status 7 if not', run: verify },
];
