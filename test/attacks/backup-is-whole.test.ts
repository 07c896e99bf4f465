// Attack: a restored machine lacks what kept the old one safe, or a backup is taken from, or written to, somewhere odd. BACKUP-8, BACKUP-9.
import { openBackup, parseRecoveryKey } from '@airlock/vault';
import {
  codeAt,
  obtainLease,
  openSession,
  refusalOf,
  startTestInstance,
  type CommandResult,
  type Running,
} from '@airlock/testkit';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { ask, configWith, connectTo, countUnread, filesBelow, UNWATCHED } from './support/house.js';
import { addSealed, approveWith, openedWith, phoneOf } from './support/keys.js';
import { policyText } from './support/rules-house.js';
import { addService, maildir } from './support/service.js';

const TOKEN = 'token-of-the-old-machine';
const YAML = `${UNWATCHED}policies: {"*": [no-list]}\n`;
const FILES: Readonly<Record<string, string>> = {
  'policies/no-list.json': policyText('no-list', [
    { id: 'list', decision: 'deny', operations: ['list_messages'], reason: 'as before' },
  ]),
  'skills/mail.md': '---\nname: mail\ndescription: how this mailbox is kept\n---\nÄlteres steht in Work.\n',
};

const configOf = (running: Running): string => running.env['AIRLOCK_CONFIG_DIR'] ?? '';
const stateOf = (running: Running, ...path: string[]): string => join(running.env['AIRLOCK_STATE_DIR'] ?? '', ...path);
const messageOf = ({ json }: CommandResult): string => (json as { error?: { message: string } }).error?.message ?? 'no error';

let old: Running;
let fresh: Running;
let dir: string;
let file: string;
let key: string;
t.before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'airlock-backup-'));
  old = await startTestInstance({ cells: 2, config: configWith(UNWATCHED) });
  for (const [name, text] of Object.entries({ ...FILES, 'airlock.yaml': YAML })) {
    mkdirSync(join(configOf(old), name, '..'), { recursive: true });
    writeFileSync(join(configOf(old), name), text);
  }
  await addSealed(old, old.secret, 'sealed', TOKEN);
  const link = await connectTo(old, 'approve/default');
  await addService(old, link, await approveWith(old, link, old.secret, 'service.add', maildir(old)));
  link.close();
  fresh = await startTestInstance({ cells: 2, enrolled: false, config: configWith(UNWATCHED) });
});
t.teardown(async () => {
  await old.stop();
  await fresh.stop();
});

const backup = (running: Running, path: string): Promise<CommandResult> =>
  running.command('airlock-ctl', ['backup', path, '--json']);
const restore = (running: Running, path: string, typed: string, ...flags: string[]): Promise<CommandResult> =>
  running.command('airlock-ctl', ['restore', path, '--json', ...flags], { stdin: typed });

/** Files that a daemon keeps for an operator's services, as they are. */
const services = (running: Running, kind: string): Record<string, string> =>
  Object.fromEntries(
    [...filesBelow(stateOf(running, 'gateway', kind, 'default'))].map(([name, bytes]) => [
      name.split('/').at(-1) ?? '',
      bytes.toString(),
    ]),
  );

t.test('BACKUP-8: what is durable comes back as it was, and its denials hold when the command returns', async (t) => {
  file = join(dir, 'whole');
  const made = await backup(old, file);
  t.equal(made.status, 0, made.stdout);
  key = (made.json as { recoveryKey: string }).recoveryKey;
  const restored = await restore(fresh, file, `${key}\n`);
  t.equal(restored.status, 0, restored.stdout);
  t.match(restored.json, { config: ['airlock.yaml', ...Object.keys(FILES)].sort(), services: ['mail', 'sealed'] });
  t.same(services(fresh, 'vault'), services(old, 'vault'), 'every sealed service, byte for byte');
  t.ok(Object.keys(services(fresh, 'vault')).length === 2, 'negative control: there are two');
  t.equal(readFileSync(join(configOf(fresh), 'airlock.yaml'), 'utf8'), YAML);
  for (const [name, text] of Object.entries(FILES)) t.equal(readFileSync(join(configOf(fresh), name), 'utf8'), text, name);
  t.equal(await openedWith(fresh, old.secret, 'sealed'), TOKEN);
  const agent = await openSession(fresh);
  t.teardown(() => agent.close());
  fresh.clock.advance(120_000);
  const phone = { ...fresh, freshCode: () => (fresh.clock.advance(30_000), codeAt(old.secret, fresh.clock.wallMs())) };
  const { lease } = await obtainLease(phone, agent, ['mail:read']);
  const list = { lease, service: 'mail', operation: 'list_messages', params: {} };
  t.equal(await refusalOf(agent.call('call', list)), 'POLICY_DENIED', 'denied here as it was there, with nothing reloaded');
  t.equal(await refusalOf(countUnread(agent, lease)), null, 'negative control: what no rule denies');
});

t.test('BACKUP-8: what is left out is what belongs to a machine, and nothing of it stands in the file', async (t) => {
  const { body } = openBackup(readFileSync(file), parseRecoveryKey(key));
  const content = JSON.parse(body.toString()) as Record<string, unknown>;
  t.same(
    Object.keys(content).sort(),
    ['byHand', 'config', 'facts', 'rules', 'services', 'totp', 'v'],
    'docs/spec/backup.md lists them',
  );
  for (const name of ['wrap.key', 'totp/lease-root', 'lease.root']) {
    const path = stateOf(old, name);
    if (existsSync(path)) t.notOk(body.includes(readFileSync(path)), name);
  }
  const wrap = readFileSync(stateOf(old, 'totp', 'wrap.key'));
  for (const text of [wrap.toString('base64'), wrap.toString('base64url'), wrap.toString('hex')])
    t.notOk(body.includes(text), 'W');
  t.ok(body.includes('no-list.json'), 'negative control: the search bites');
});

t.test(
  'BACKUP-9: configuration that is no text, or lies behind a link, is refused by name, and nothing is written',
  async (t) => {
    const skills = join(configOf(old), 'skills');
    const odd: readonly (readonly [string, (path: string) => void, RegExp])[] = [
      ['latin1.md', (path) => writeFileSync(path, Buffer.from([0x41, 0xe4, 0x42])), /latin1\.md is no text in UTF-8/],
      ['link.md', (path) => symlinkSync('/etc/passwd', path), /link\.md cannot be opened \(ELOOP\)/],
      ['fifo.md', (path) => void execFileSync('mkfifo', [path]), /fifo\.md is no file of Airlock's/],
    ];
    for (const [name, make, message] of odd) {
      const path = join(skills, name);
      make(path);
      t.match(messageOf(await backup(old, join(dir, `with-${name}`))), message);
      execFileSync('rm', [path]);
      t.notOk(existsSync(join(dir, `with-${name}`)));
    }
    mkdirSync(join(skills, 'folder'));
    t.equal((await backup(old, join(dir, 'with-folder'))).status, 0, 'a folder is nothing that a daemon reads');
  },
);

t.test('a backup file that is none: a FIFO, a directory, a link into nowhere, a gigabyte, an empty one', async (t) => {
  const other = await startTestInstance({ cells: 1, enrolled: false });
  t.teardown(() => other.stop());
  const paths = Object.fromEntries(
    ['fifo', 'folder', 'nowhere', 'gigabyte', 'empty'].map((name) => [name, join(dir, name)]),
  ) as Record<string, string>;
  execFileSync('mkfifo', [paths['fifo'] ?? '']);
  mkdirSync(paths['folder'] ?? '');
  symlinkSync('/nowhere', paths['nowhere'] ?? '');
  for (const name of ['gigabyte', 'empty']) writeFileSync(paths[name] ?? '', '');
  truncateSync(paths['gigabyte'] ?? '', 2 ** 30);
  const wanted: Readonly<Record<string, RegExp>> = {
    fifo: /no ordinary file/,
    folder: /no ordinary file/,
    nowhere: /no such file/,
    gigabyte: /found 1073741824 bytes, allowed: a backup of at most 134217728 bytes/,
    empty: /no backup of Airlock/,
  };
  for (const [name, message] of Object.entries(wanted)) {
    const { status, ...rest } = await restore(other, paths[name] ?? '', `${key}\n`);
    t.not(status, 0, name);
    t.match(messageOf({ status, ...rest }), message);
  }
  t.equal((await restore(other, file, `${key}\n`)).status, 0, 'negative control: the backup itself');
});

t.test('BACKUP-4: a backup of another vault takes the place of a phone only with a code of that phone', async (t) => {
  const other = await startTestInstance({ cells: 1 });
  t.teardown(() => other.stop());
  await addSealed(other, other.secret, 'mine', 'token-of-mine');
  const before = services(other, 'vault');
  t.match(messageOf(await restore(other, file, `${key}\n`)), /has a phone enrolled on this machine already/);
  t.match(messageOf(await restore(other, file, `${key}\n${phoneOf(old, old.secret)}0\n`, '--force')), /./);
  t.same(services(other, 'vault'), before);
  // What was given up is gone before the clock goes on: the floor would rise by the later step.
  const approve = await connectTo(other, 'approve/default');
  await ask(approve, 'request.deny', { all: true });
  approve.close();
  other.clock.advance(60_000);
  const taken = await restore(other, file, `${key}\n${other.freshCode()}\n`, '--force');
  t.equal(taken.status, 0, taken.stdout);
  t.same(Object.keys(services(other, 'vault')).sort(), ['mail.json', 'sealed.json'], 'negative control: with it, whole');
});

t.test('where a backup cannot be written nothing is left, and nobody was shown a key', async (t) => {
  const before = readdirSync(dir);
  const { status, stdout, ...rest } = await backup(old, join(dir, 'x'.repeat(300)));
  t.not(status, 0);
  t.match(messageOf({ status, stdout, ...rest }), /cannot be written \(ENAMETOOLONG\)/);
  t.notMatch(stdout, /[A-Z2-7]{5}-[A-Z2-7]{5}/);
  t.match(messageOf(await backup(old, join(dir, 'no', 'such', 'file'))), /no directory/);
  t.same(readdirSync(dir), before);
  t.equal(statSync(file).mode & 0o777, 0o600);
});
