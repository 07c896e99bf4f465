// Days go by: old segments of both logs go, the record stays provable, and says from where on. AUDIT-25, AUDIT-27.
import { connectSocket } from '@airlock/ipc';
import { COMPILED_CONFIG_FILE } from '@airlock/protocol';
import { addMailbox, restartWith, startTestInstance, until, type Running } from '@airlock/testkit';
import { mkdtempSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { untilSigned } from '../attacks/state-files.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

let running: Running;
t.before(async () => {
  const config = mkdtempSync(join(tmpdir(), 'airlock-config-'));
  writeFileSync(join(config, 'airlock.yaml'), 'audit: {retain_days: 3}\n');
  running = await startTestInstance({ config });
  await addMailbox(running);
});
t.teardown(() => running.stop());

const LOGS = ['gateway', 'totp'] as const;
const dirOf = (log: (typeof LOGS)[number]): string => join(running.env['AIRLOCK_STATE_DIR'] ?? '', log, 'audit');
const segments = (log: (typeof LOGS)[number]): string[] =>
  readdirSync(dirOf(log))
    .filter((name) => name.endsWith('.jsonl'))
    .sort();
const verify = (...args: string[]) => running.command('airlock-ctl', ['audit', 'verify', ...args]);

/** What a person kept: the signed heads of both logs, as files. */
const keptHeads = async (name: string): Promise<string[]> => {
  const link = await connectSocket(running.sockets['approve/default'] ?? '');
  const { heads } = (await link.call('heads', {})) as { heads: string[] };
  link.close();
  return heads.map((note, at) => {
    const file = join(running.dir, `${name}-${at}`);
    writeFileSync(file, note);
    return file;
  });
};

let early: string[] = [];

t.test('a log of a week keeps three days, one segment an hour', async (t) => {
  for (let day = 0; day < 6; day += 1) {
    await running.command('airlock-ctl', ['lock']);
    await running.command('airlock-ctl', ['audit', 'verify']);
    for (const daemon of ['airlock-gateway', 'airlock-totp'] as const) await untilSigned(running, daemon);
    if (day === 0) early = await keptHeads('early');
    const before = segments('gateway').length;
    running.clock.advance(DAY_MS);
    for (const daemon of ['airlock-gateway', 'airlock-totp'] as const) await restartWith(running, daemon, () => undefined);
    await until('both logs turn the page', async () => segments('gateway').length > before || day > 2);
  }
  const today = new Date(running.clock.wallMs());
  const oldest = new Date(today.getTime() - 3 * DAY_MS).toISOString().slice(0, 10);
  for (let hour = 0; hour < 8; hour += 1) {
    running.clock.advance(HOUR_MS / 100);
    await verify();
  }
  await until('what is older is gone', async () => {
    running.clock.advance(HOUR_MS);
    return LOGS.every((log) => (segments(log)[0] ?? '') >= `${oldest}.jsonl`);
  });
  const found = await verify();
  t.match(found, { status: 0, stdout: /whole: .*\ngateway log: from record \d+ on; .*\ntotp log: from record \d+ on/ });
  const { json } = await running.command('airlock-ctl', ['audit', '--event', 'log_pruned', '--json']);
  const records = json as { log: string; file: string; retainDays: number }[];
  for (const log of LOGS) {
    const files = records.filter((one) => one.log === log).map(({ file }) => file);
    t.ok(files.length >= 2, `${log}: ${files.join(' ')}`);
    t.same([...new Set(files)], [...new Set(files)].sort(), 'oldest first');
  }
  for (const daemon of ['airlock-gateway', 'airlock-totp'] as const) await restartWith(running, daemon, () => undefined);
  t.equal((await verify()).status, 0, 'after a restart');
});

t.test('AUDIT-29: fewer days than airlock.yaml keeps are told where both are known', async (t) => {
  t.match((await running.command('airlock-ctl', ['audit', 'verify', '--json'])).json, { retainDays: { said: 3, configured: 3 } });
  t.notMatch((await verify()).stdout, /WARNING/, 'negative control: as it is configured');
  const path = join(running.env['AIRLOCK_CONFIG_DIR'] ?? '', COMPILED_CONFIG_FILE);
  const before = readFileSync(path, 'utf8');
  const config = JSON.parse(before) as { audit: object };
  writeFileSync(path, JSON.stringify({ ...config, audit: { ...config.audit, retainDays: 365 } }));
  const found = await verify();
  writeFileSync(path, before);
  t.match(found, { status: 0, stdout: /older than 3 days\nWARNING: gateway log: airlock\.yaml keeps 365 days/ });
});

t.test('AUDIT-32: a head of what was removed because of its age proves nothing, and is no sign of damage', async (t) => {
  t.equal(early.length, 2);
  for (const file of early) {
    const found = await verify('--head', file);
    t.match(found, { status: 7, stdout: /^UNPROVEN/, stderr: /one that is newer/ });
    t.match(
      found.stdout,
      /log, --head \S+: it proves nothing here: it is of \d+ records, and the log begins at record \d+; .*log_pruned/,
    );
    t.notMatch(found.stdout + found.stderr, /DAMAGED|changed after/);
    const [, , hash = ''] = readFileSync(file, 'utf8').split('\n');
    const written = Buffer.from(hash, 'base64').toString('hex');
    t.match(await verify('--head', written), { status: 7, stdout: /may have been removed because of its age/ }, 'the hash alone');
  }
  const both = await verify('--json', ...early.flatMap((file) => ['--head', file]));
  t.match(both.json, { ok: false, status: 'unproven', unproven: [{ head: /^--head / }, { head: /^--head / }] });
  const late = (await keptHeads('late')).flatMap((file) => ['--head', file]);
  t.match(await verify(...late), { status: 0, stdout: /^whole/ }, 'negative control: a head of what is there');
});

t.test('attack: one more segment is removed by hand', async (t) => {
  const [first = ''] = segments('gateway');
  unlinkSync(join(dirOf('gateway'), first));
  t.match(await verify(), { status: 7, stdout: /gateway log, \S+ line 1: seq is \d+, not 1, and no record says/ });
});
