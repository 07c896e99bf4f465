// Attack: a backup read, changed, cut, opened with another key, put over a phone that is enrolled, rolled back, and killed half way.
// BACKUP-1, BACKUP-3, BACKUP-4, BACKUP-5, BACKUP-6, BACKUP-7.
import {
  checkout,
  daemonOf,
  openSession,
  obtainLease,
  refusalOf,
  startTestInstance,
  until,
  type CommandResult,
  type Running,
} from '@airlock/testkit';
import { spawn } from 'node:child_process';
import { readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { auditOf, connectTo, filesBelow, killHard, untilServing } from './support/house.js';
import { arm, disarm, KILL_AT, type KillOrder } from './support/kill-at.js';
import { addSealed, openedWith, phoneOf, replaceSealed } from './support/keys.js';

const SERVICES = ['one', 'two'];
const THEN = 'token-of-the-backup';
const NOW = 'token-of-today';

let old: Running;
let fresh: Running;
let file: string;
let key: string;
t.setTimeout(300_000);
t.before(async () => {
  old = await startTestInstance({ cells: 1 });
  for (const service of SERVICES) await addSealed(old, old.secret, service, THEN);
  fresh = await startTestInstance({ cells: 1, enrolled: false, preload: KILL_AT });
});
t.teardown(async () => {
  await old.stop();
  await fresh.stop();
});

const restore = (name: string, typed: string, ...flags: string[]): Promise<CommandResult> =>
  fresh.command('airlock-ctl', ['restore', name, '--json', ...flags], { stdin: typed });
const messageOf = ({ json }: CommandResult): string => (json as { error?: { message: string } }).error?.message ?? 'no error';
const changed = (name: string, change: (bytes: Buffer) => Buffer): string => {
  const path = join(fresh.dir, name);
  writeFileSync(path, change(readFileSync(file)));
  return path;
};
const isEnrolled = async (): Promise<unknown> => {
  const status = await connectTo(fresh, 'approve/default');
  const answer = (await status.call('status', {})) as { enrolled: boolean };
  status.close();
  return answer.enrolled;
};

t.test('BACKUP-1: a backup is written once, whole, and shows nothing', { timeout: 240_000 }, async (t) => {
  file = join(old.dir, 'backup');
  const agent = await openSession(old);
  await obtainLease(old, agent, ['one:read']);
  agent.close();
  const made = await old.command('airlock-ctl', ['backup', file, '--json']);
  t.equal(made.status, 0, made.stdout);
  const value = made.json as { recoveryKey: string; generation: number; services: string[] };
  t.match(value, { generation: 2, services: SERVICES, recoveryKey: /^([A-Z2-7]{5}-){7}[A-Z2-7]{5}$/ });
  key = value.recoveryKey;
  const bytes = readFileSync(file);
  const secrets = [THEN, old.secret, 'a.example', key, Buffer.from(key.replaceAll('-', ''))];
  for (const secret of secrets) t.notOk(bytes.includes(secret), 'BACKUP-1');
  t.ok(bytes.includes('"operators":["default"]'), 'negative control: the search bites');
  t.equal(statSync(file).mode & 0o777, 0o600);
  const again = await old.command('airlock-ctl', ['backup', file, '--json']);
  t.match(messageOf(again), /found a file that is there already/);
  t.same(readFileSync(file), bytes, 'it stands');
  t.match(await auditOf(old, 'backup_made'), [{ generation: 1 }, { generation: 2 }]);
});

t.test('BACKUP-3: a wrong key, a cut, a bit: said which, and the machine stays empty', { timeout: 240_000 }, async (t) => {
  const mistyped = key.replace(/^./, key.startsWith('A') ? 'B' : 'A');
  const half = statSync(file).size / 2;
  const tries: readonly (readonly [string, string, RegExp])[] = [
    [file, mistyped, /group 1 of the recovery key is mistyped/],
    [file, 'CDNW-26YV-3UXO-7JDH', /recovery code: it enrols a new phone and decrypts nothing/],
    [file, phoneOf(old, old.secret), /has 40 characters/],
    [file, '', /no recovery key was given/],
    [changed('cut', (bytes) => bytes.subarray(0, -100)), key, /cut short/],
    [
      changed('bit', (bytes) => (bytes.writeUInt8((bytes[half | 0] ?? 0) ^ 1, half | 0), bytes)),
      key,
      /changed since it was made/,
    ],
    [
      changed('made', (bytes) => Buffer.from(bytes.toString('latin1').replace('"generation":2', '"generation":9'), 'latin1')),
      key,
      /changed/,
    ],
    [changed('none', () => Buffer.from('hello\n')), key, /no backup of Airlock/],
    [join(fresh.dir, 'missing'), key, /no such file/],
  ];
  for (const [path, typed, message] of tries) {
    const { status, ...result } = await restore(path, `${typed}\n`);
    t.not(status, 0);
    t.match(messageOf({ status, ...result }), message);
  }
  t.equal(await isEnrolled(), false);
  t.same([...filesBelow(join(fresh.env['AIRLOCK_STATE_DIR'] ?? '', 'gateway/vault')).keys()], []);
});

t.test(
  'BACKUP-6, BACKUP-7: on an empty machine phone and credentials are back, leases are dead, the old heads are named',
  async (t) => {
    const used = phoneOf(fresh, old.secret);
    const restored = await restore(file, `${key}\n`);
    t.equal(restored.status, 0, restored.stdout);
    t.match(restored.json, { generation: 2, operators: ['default'], services: SERVICES });
    const link = await connectTo(fresh, 'approve/default');
    t.same(await link.call('leases', {}), { leases: [] });
    link.close();
    fresh.clock.advance(0);
    const early = await fresh.command('airlock-ctl', ['credentials', 'get', 'one', '--json'], { stdin: `${used}\n` });
    t.equal(early.status, 4, 'BACKUP-6: a code of the step of the restore');
    for (const service of SERVICES) t.equal(await openedWith(fresh, old.secret, service), THEN);
    const [event] = await auditOf(fresh, 'restored');
    const heads = (await auditOf(old, 'checkpoint')).map(({ note }) => note);
    t.ok(
      heads.some((note) => JSON.stringify(event).includes(JSON.stringify(note).slice(1, -1))),
      'a head of the old machine',
    );
    t.match(JSON.stringify(event), /airlock-totp\+/, 'and its public keys');
    t.match(
      JSON.stringify(event),
      /airlock-export\+/,
      'that of its exports too: those made before the loss can be checked still',
    );
    const verified = await fresh.command('airlock-ctl', ['audit', 'verify', '--json']);
    t.equal(verified.status, 0, verified.stdout);
  },
);

t.test('BACKUP-4: over an enrolled phone only with a code of it, and never an older one', { timeout: 240_000 }, async (t) => {
  t.match(messageOf(await restore(file, `${key}\n`)), /has a phone enrolled on this machine already/);
  const guessed = await restore(file, `${key}\n000000\n`, '--force');
  t.equal((guessed.json as { error: { code: string } }).error.code, 'CODE_REJECTED');
  fresh.clock.advance(60_000);
  const newer = join(fresh.dir, 'newer');
  t.equal((await fresh.command('airlock-ctl', ['backup', newer, '--json'])).status, 0);
  const rolledBack = await restore(file, `${key}\n${fresh.freshCode()}\n`, '--force');
  t.match(messageOf(rolledBack), /older than the newest/);
  for (const service of SERVICES) t.equal(await openedWith(fresh, old.secret, service), THEN, 'nothing changed');
});

/** Replaces what is there by a backup of `THEN`, with a kill at that step. @returns whether somebody was killed */
const round = async (t: Pick<Tap, 'equal' | 'ok'>, backup: { file: string; key: string }, order: KillOrder): Promise<boolean> => {
  for (const service of SERVICES) await replaceSealed(fresh, old.secret, service, NOW);
  fresh.clock.advance(120_000);
  const code = phoneOf(fresh, old.secret);
  arm(fresh, order);
  await restore(backup.file, `${backup.key}\n${code}\n`, '--force');
  const killed = !disarm(fresh);
  await untilServing(fresh);
  const name = `${order.program}${order.both ? ' and the other' : ''}, step ${order.at}`;
  const tokens = await until('credentials that open', async () => {
    const found = await Promise.all([openedWith(fresh, old.secret, 'one')]);
    const second = await openedWith(fresh, old.secret, 'two');
    return [THEN, NOW].includes(found[0]) && [THEN, NOW].includes(second) ? [found[0], second] : null;
  });
  t.equal(tokens[0], tokens[1], `${name}: ${tokens[0] ?? ''}, whole`);
  return killed;
};
type Tap = typeof t;

for (const [program, both] of [
  ['airlock-totp', false],
  ['airlock-gateway', false],
  ['airlock-totp', true],
] as const) {
  t.test(
    `BACKUP-5: kill -9 of ${program}${both ? ' and the other' : ''} at every step of a restore`,
    { timeout: 240_000 },
    async (t) => {
      for (const service of SERVICES) await replaceSealed(fresh, old.secret, service, THEN);
      const path = join(fresh.dir, `backup-${program}-${both}`);
      const made = await fresh.command('airlock-ctl', ['backup', path, '--json']);
      const backup = { file: path, key: (made.json as { recoveryKey: string }).recoveryKey };
      let at = 1;
      while (await round(t, backup, { program, at, both })) at += 1;
      t.ok(at > 4, `${at - 1} steps`);
      t.equal(await openedWith(fresh, old.secret, 'one'), THEN, 'negative control: without a kill it is the backup');
    },
  );
}

t.test('BACKUP-5: kill -9 of airlock-ctl at any moment of a restore', { timeout: 240_000 }, async (t) => {
  const path = join(fresh.dir, 'backup-of-then');
  for (const service of SERVICES) await replaceSealed(fresh, old.secret, service, THEN);
  const made = await fresh.command('airlock-ctl', ['backup', path, '--json']);
  const typed = (made.json as { recoveryKey: string }).recoveryKey;
  const outcomes = new Set<string>();
  for (const delayMs of [0, 150, 250, 350, 450, 3000]) {
    for (const service of SERVICES) await replaceSealed(fresh, old.secret, service, NOW);
    fresh.clock.advance(120_000);
    const child = spawn(process.execPath, [join(checkout, 'dist/lib/airlock-ctl.cjs'), 'restore', path, '--force', '--json'], {
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { PATH: process.env['PATH'], HOME: fresh.dir, ...fresh.env },
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.stdin.on('error', () => undefined).end(`${typed}\n${phoneOf(fresh, old.secret)}\n`);
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, delayMs))]);
    child.kill('SIGKILL');
    await ended;
    await untilServing(fresh);
    const tokens = await until('credentials that open', async () => {
      const found = [await openedWith(fresh, old.secret, 'one'), await openedWith(fresh, old.secret, 'two')];
      return found.every((one) => one === THEN || one === NOW) ? found : null;
    });
    t.equal(tokens[0], tokens[1], `after ${delayMs} ms: ${tokens[0] ?? ''}, whole`);
    outcomes.add(tokens[0] ?? '');
  }
  t.ok(outcomes.has(NOW), 'negative control: at least one came before the one step');
});

t.test('BACKUP-5: a restore that does not open seals, and what is there stays', { timeout: 240_000 }, async (t) => {
  const state = join(fresh.env['AIRLOCK_STATE_DIR'] ?? '', 'totp');
  const secret = readFileSync(join(state, 'default.secret'));
  writeFileSync(join(state, 'restore.pending'), Buffer.alloc(500, 7), { mode: 0o600 });
  await killHard(await daemonOf(fresh, 'airlock-totp'));
  const sealed = await until('the reason', async () => {
    const link = await connectTo(fresh, 'approve/default');
    const status = (await link.call('status', {})) as { sealed: { code: string; message: string } | null };
    link.close();
    return status.sealed;
  });
  t.match(sealed, { code: 'VAULT_UNREADABLE', message: /restore\.pending: does not open/ });
  t.same(readFileSync(join(state, 'default.secret')), secret);
  unlinkSync(join(state, 'restore.pending'));
  await killHard(await daemonOf(fresh, 'airlock-totp'));
  await untilServing(fresh);
  t.equal(await openedWith(fresh, old.secret, 'one'), await openedWith(fresh, old.secret, 'two'), 'repaired by taking it away');
});

t.test('root.sock alone makes and takes backups', { timeout: 240_000 }, async (t) => {
  for (const name of ['approve/default', 'operator/default']) {
    const link = await connectTo(fresh, name);
    for (const [method, params] of [
      ['restore.finish', {}],
      ['backup.kept', { generation: 1 }],
    ] as const)
      t.equal(await refusalOf(link.call(method, params)), 'METHOD_UNKNOWN', `${method} on ${name}`);
    link.close();
  }
  const link = await connectTo(fresh, 'root');
  t.equal(await refusalOf(link.call('backup.kept', { generation: 1_000_000 })), 'PARAMS_INVALID', 'a number never handed out');
  t.equal(await refusalOf(link.call('restore.finish', {})), 'NOT_FOUND', 'nor is anything finished that was not begun');
  link.close();
});
