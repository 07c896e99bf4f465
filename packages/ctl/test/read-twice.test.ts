/** audit verify of logs that are served, while a segment is removed because of its age. AUDIT-25, AUDIT-27. */
import { generateHeadKey, openLog, parsePrivateKey, signHead } from '@airlock/audit';
import { serveSocket } from '@airlock/ipc';
import { AirlockError, systemTimers, type LogSegment } from '@airlock/protocol';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { runProgram } from '../src/program.js';
import type { Terminal } from '../src/terminal/terminal.js';

const DAYS = ['2026-11-20.jsonl', '2026-11-22.jsonl'] as const;
const dir = mkdtempSync(join(tmpdir(), 'airlock-twice-'));
t.teardown(() => rmSync(dir, { recursive: true, force: true }));
for (const name of ['approve', 'operator', 'keys']) mkdirSync(join(dir, name), { mode: 0o700 });

const keys = {
  gateway: parsePrivateKey(generateHeadKey('airlock-gateway').privateKey),
  totp: parsePrivateKey(generateHeadKey('airlock-totp').privateKey),
};
for (const [log, { publicKey }] of Object.entries(keys)) writeFileSync(join(dir, 'keys', `${log}.vkey`), publicKey);

/** Two days, of which the second says that the first was removed. */
const written = async (log: 'gateway' | 'totp'): Promise<{ segments: Map<string, Buffer>; head: string }> => {
  let wall = Date.UTC(2026, 10, 20, 12);
  const path = join(dir, log);
  const made = openLog({
    dir: path,
    clock: { wallMs: () => wall, bootMs: () => 0 },
    reserveBytes: 0,
    bootId: 'b',
    timers: systemTimers,
  });
  made.append('operation', { n: 1 });
  await made.flush();
  const removed = made.durableHead();
  wall += 2 * 86_400_000;
  made.append('log_pruned', { file: DAYS[0], ...removed, retainDays: 1 });
  await made.close();
  const segments = new Map(DAYS.map((name) => [name as string, readFileSync(join(path, name))]));
  return { segments, head: signHead(keys[log], `airlock-${log}`, made.head()) };
};
const logs = { gateway: await written('gateway'), totp: await written('totp') };

type Kind = 'goes once' | 'is never there' | 'stays' | 'cannot be read';
let kind: Kind = 'stays';
let [listed, isGone] = [0, false];

const entry = (handle: (params: never) => unknown): object => ({ params: () => null, permitted: () => null, handle });

const listOf = (segments: ReadonlyMap<string, Buffer>): { segments: LogSegment[] } => ({
  segments: [...segments].filter(([name]) => !isGone || name !== DAYS[0]).map(([name, { length }]) => ({ name, bytes: length })),
});

const readOf = (segments: ReadonlyMap<string, Buffer>, name: string, offset: number): object => {
  const isFirst = name === DAYS[0];
  if (isFirst && kind === 'cannot be read') throw new AirlockError('INTERNAL', 'a defect');
  if (isFirst && kind !== 'stays') {
    isGone = kind === 'goes once';
    throw new AirlockError('NOT_FOUND', 'there is no such segment of the log');
  }
  return { data: (segments.get(name) ?? Buffer.alloc(0)).subarray(offset).toString('base64url'), next: null };
};

const serve = async (family: string, log: 'gateway' | 'totp'): Promise<void> => {
  const { segments } = logs[log];
  const isGateway = log === 'gateway';
  const server = await serveSocket<null>({
    path: join(dir, family, 'ada.sock'),
    name: family,
    timers: systemTimers,
    open: () => null,
    table: {
      'audit.checkpoint': entry(() => ({})),
      heads: entry(() => ({ heads: [logs.gateway.head, logs.totp.head] })),
      'log.segments': entry(() => {
        if (!isGateway) return { segments: [...segments].map(([name, { length }]) => ({ name, bytes: length })) };
        listed += 1;
        return listOf(segments);
      }),
      'log.read': entry(({ segment, offset }: { segment: string; offset: number }) =>
        isGateway
          ? readOf(segments, segment, offset)
          : { data: (segments.get(segment) ?? Buffer.alloc(0)).subarray(offset).toString('base64url'), next: null },
      ),
    } as never,
  });
  t.teardown(() => server.close());
};
await serve('operator', 'gateway');
await serve('approve', 'totp');

const verify = async (how: Kind): Promise<{ status: number; out: string; listed: number }> => {
  [kind, listed, isGone] = [how, 0, false];
  let out = '';
  const terminal: Terminal = {
    isTerminal: false,
    out: (text) => void (out += text),
    err: (text) => void (out += text),
    line: () => Promise.resolve(null),
    secret: () => Promise.resolve(null),
    close: () => undefined,
  };
  const env = { AIRLOCK_RUNTIME_DIR: dir, AIRLOCK_CONFIG_DIR: dir, AIRLOCK_OPERATOR: 'ada' };
  const status = await runProgram({ argv: ['audit', 'verify'], env, terminal, version: '1' });
  return { status, out, listed };
};

t.test('negative control: nothing goes, and it is read once', async (t) => {
  t.match(await verify('stays'), { status: 0, out: /^whole: 4 records, 2 signed heads\n$/, listed: 1 });
});

t.test('a segment that goes between the list and its reading ends in a verdict', async (t) => {
  t.match(await verify('goes once'), { status: 0, out: /^whole: 3 records[^]*gateway log: from record 2 on/, listed: 2 });
});

t.test('one that is listed and never there is told as that, and nothing is whole', async (t) => {
  const found = await verify('is never there');
  t.match(found, { status: 7, out: /^airlock: error: a log lists a segment that it does not give, twice\n.*hint: /, listed: 2 });
});

t.test('what else fails is not tried again', async (t) => {
  const found = await verify('cannot be read');
  t.match(found, { out: /^airlock: error: /, listed: 1 });
  t.not(found.status, 0);
});
