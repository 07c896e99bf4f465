// Attack: an upstream server's list, a damaged file or a closed stdout makes a backup that looks good and that no restore takes. BACKUP-8, BACKUP-9, BACKUP-10.
import { addLister, checkout, sit, startWithFixture, until, type CommandResult, type Configured } from '@airlock/testkit';
import { openBackup, parseRecoveryKey, sealBackup } from '@airlock/vault';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ask, auditOf, connectTo } from './support/house.js';
import { addSealed, approveWith, openedWith } from './support/keys.js';

const TOKEN = 'token-of-the-old-machine';

let old: Configured;
t.setTimeout(240_000);
t.before(async () => {
  old = await startWithFixture({ cells: 2 });
  for (const service of ['one', 'two', 'quotes', 'long', 'cut', 'linked']) await addSealed(old, old.secret, service, TOKEN);
  const list = join(old.dir, 'list.json');
  writeFileSync(list, JSON.stringify(hostileList));
  const added = await addLister(old, list);
  if (added.status !== 0) throw new Error(added.stdout);
});
t.teardown(() => old.stop());

/** Below the characters that a list may have, above the bytes of a frame. */
const hostileList = Array.from({ length: 64 }, (_, n) => ({
  ...{ name: `tool_${n}`, readOnly: true, description: '界'.repeat(6000) },
}));

const state = (kind: string, file: string): string => join(old.env['AIRLOCK_STATE_DIR'] ?? '', 'gateway', kind, 'default', file);
const skills = (): string => join(old.env['AIRLOCK_CONFIG_DIR'] ?? '', 'skills');
const pathOf = (name: string): string => join(old.dir, name);

const errorOf = ({ json }: CommandResult): { message: string; hint: string } =>
  (json as { error?: { message: string; hint: string } }).error ?? { message: 'no error', hint: '' };

interface Made {
  readonly file: string;
  readonly recoveryKey: string;
  readonly leftOut: readonly { readonly service: string; readonly why: string; readonly hint: string }[];
}

const backup = (name: string): Promise<CommandResult> => old.command('airlock-ctl', ['backup', pathOf(name), '--json']);
const restore = (fresh: Configured, file: string, recoveryKey: string): Promise<CommandResult> =>
  fresh.command('airlock-ctl', ['restore', file, '--json'], { stdin: `${recoveryKey}\n` });

const counted = async (): Promise<number> => (await auditOf(old, 'backup_made')).length;
const kept = async (): Promise<number> => (await auditOf(old, 'backup_kept')).length;

const put = (path: string, text: string): void => {
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
  writeFileSync(path, text, { mode: 0o600 });
};

/** Changes what a backup is made of. @returns how it is put back */
const changed = (path: string, text: string): (() => void) => {
  const before = existsSync(path) ? readFileSync(path, 'utf8') : null;
  put(path, text);
  return () => (before === null ? rmSync(path) : put(path, before));
};

/** The entry of `two` as one of another name. */
const entryOf = (service: string): string =>
  JSON.stringify({ ...(JSON.parse(readFileSync(state('vault', 'two.json'), 'utf8')) as object), service });

const many = (count: number): (() => void) => {
  const undo = Array.from({ length: count }, (_, n) => `service-${n}-`.padEnd(32, 'x')).map((service) =>
    changed(state('vault', `${service}.json`), entryOf(service)),
  );
  return () => undo.forEach((one) => one());
};

const large = (): (() => void) => {
  const undo = [0, 1, 2, 3, 4].map((n) => changed(join(skills(), `s${n}.md`), 'x'.repeat(28 * 1024 * 1024)));
  return () => undo.forEach((one) => one());
};

const two = (change: (text: string) => string): (() => void) =>
  changed(state('vault', 'two.json'), change(readFileSync(state('vault', 'two.json'), 'utf8')));

/** What it is, how it comes about, what is said, and the remedy. */
const REFUSED: readonly (readonly [string, () => () => void, RegExp, RegExp])[] = [
  ['a cut entry', () => two((text) => text.slice(0, 300)), /two\.json is damaged/, /service remove two, .*sudo mv \S+two\.json/],
  ['an entry of another form', () => two((text) => text.replace('"v":1', '"v":9')), /two\.json is damaged/, /service remove two/],
  ['an entry above its limit', () => two((text) => text + ' '.repeat(200_000)), /two\.json is too large/, /service remove two/],
  [
    'a stray copy',
    () => changed(state('vault', 'two (copy).json'), entryOf('two')),
    /two \(copy\)\.json is the file of another service \(two\)/,
    /sudo mv '\/.*two \(copy\)\.json' \/root\//,
  ],
  [
    'a name that no service has',
    () => changed(state('vault', 'Two.json'), entryOf('Two')),
    /Two\.json is damaged/,
    /sudo mv \S+Two\.json/,
  ],
  [
    'configuration without end',
    large,
    /at most 134217728 bytes, .*skills\/s0\.md \(29360130 bytes\)/,
    /out of the configuration/,
  ],
  ['more services than can be named', () => many(500), /cannot name 507 services \(default 507\)/, /airlock-ctl service list/],
];

for (const [what, make, message, hint] of REFUSED)
  t.test(`BACKUP-9: ${what} is refused by name, with nothing counted, written or shown`, async (t) => {
    const before = await counted();
    const undo = make();
    const refused = await backup('refused');
    undo();
    t.not(refused.status, 0);
    t.match(errorOf(refused).message, message);
    t.match(errorOf(refused).hint, hint);
    t.notMatch(refused.stdout, /recoveryKey/);
    t.notOk(readdirSync(old.dir).some((name) => name.startsWith('refused')));
    t.equal(await counted(), before);
  });

const operation = (description: string): object => ({
  ...{ name: 'look', class: 'read', outward: false, untrusted: true, summary: 'look', description },
  params: { type: 'object', additionalProperties: false, properties: {} },
  result: {},
});
const listOf = (description: string): string =>
  JSON.stringify({ v: 1, accepted: [{ operation: operation(description), hash: 'a'.repeat(64) }] });

/** A fresh machine with what was backed up. */
const restored = async (t: Test, made: Made): Promise<{ fresh: Configured; byHand: readonly string[] }> => {
  const fresh = await startWithFixture({ cells: 2, enrolled: false });
  t.teardown(() => fresh.stop());
  const answer = await restore(fresh, made.file, made.recoveryKey);
  t.equal(answer.status, 0, answer.stdout);
  // Codes of then were used up to a step that the clock of a new house has not reached.
  fresh.clock.advance(900_000);
  return { fresh, byHand: (answer.json as { byHand?: readonly string[] }).byHand ?? [] };
};

t.test('BACKUP-8: lists that no restore would take are left out, named by both commands, and accepted anew', async (t) => {
  t.ok(statSync(state('listed', 'lister.json')).size > 1024 * 1024);
  t.ok(readFileSync(state('listed', 'lister.json'), 'utf8').length < 700_000, 'as far as characters go it may pass');
  const spaces = ' '.repeat(300_000);
  const lists: Readonly<Record<string, string>> = {
    one: listOf('a list as they are'),
    quotes: `{"v":1,${'"x":"",'.repeat(99_000)}"accepted":[]}`,
    long: listOf('padded').replace('"accepted"', `${spaces}${spaces}${spaces}"accepted"`),
    cut: '{"v":1,"accep',
  };
  const undo = Object.entries(lists).map(([service, text]) => changed(state('listed', `${service}.json`), text));
  symlinkSync('/etc/passwd', state('listed', 'linked.json'));
  const answer = await backup('lists');
  undo.forEach((one) => one());
  rmSync(state('listed', 'linked.json'));
  t.equal(answer.status, 0, answer.stdout);
  const made = answer.json as Made;
  const why = Object.fromEntries(made.leftOut.map((one) => [one.service, one.why]));
  t.strictSame(why, { cut: 'damaged', linked: 'damaged', lister: 'too large', long: 'too large', quotes: 'too large' });
  const { fresh, byHand } = await restored(t, made);
  t.strictSame(
    byHand,
    made.leftOut.map(({ hint }) => hint),
  );
  const accept = 'AIRLOCK_OPERATOR=default airlock-ctl service';
  t.match(byHand[2], `${accept} test lister && ${accept} accept lister  # its accepted list is not in the backup: too large`);
  t.equal(await openedWith(fresh, old.secret, 'two'), TOKEN, 'the services work');
  const listedThere = join(fresh.env['AIRLOCK_STATE_DIR'] ?? '', 'gateway/listed/default');
  t.strictSame(readdirSync(listedThere), ['one.json'], 'negative control: a list that fits comes back');
  t.equal(readFileSync(join(listedThere, 'one.json'), 'utf8'), lists['one']);
  const gateway = await connectTo(fresh, 'operator/default');
  const approve = await connectTo(fresh, 'approve/default');
  t.teardown(() => gateway.close());
  t.teardown(() => approve.close());
  await ask(gateway, 'service.test', {
    ticket: await approveWith(fresh, approve, old.secret, 'service.test', { service: 'lister' }),
  });
  const { offered } = await ask<{ offered: readonly object[] | null }>(gateway, 'service.tools', { service: 'lister' });
  t.equal(offered?.length, hostileList.length, 'the first of these commands brings what the second accepts');
});

t.test(
  'BACKUP-9: negative control: a list that was not left out is refused at the restore, which names its service',
  async (t) => {
    const { file, recoveryKey: text } = (await backup('whole')).json as Made;
    const recoveryKey = parseRecoveryKey(text);
    const { header, salt, body } = openBackup(readFileSync(file), recoveryKey);
    const content = JSON.parse(body.toString()) as { services: { service: string; listed: string }[] };
    for (const one of content.services)
      if (one.service === 'lister') one.listed = readFileSync(state('listed', 'lister.json'), 'utf8');
    const forged = sealBackup({ recoveryKey, salt, header, body: Buffer.from(JSON.stringify(content)) });
    writeFileSync(pathOf('forged'), forged);
    const fresh = await startWithFixture({ cells: 2, enrolled: false });
    t.teardown(() => fresh.stop());
    t.match(errorOf(await restore(fresh, pathOf('forged'), text)).message, /^default\/lister: the request is too large/);
    t.equal((await restore(fresh, file, text)).status, 0, 'the same file as it was made');
  },
);

t.test('BACKUP-9: a link into nowhere is no free name, and nobody writes down a key for it', async (t) => {
  symlinkSync(pathOf('nowhere'), pathOf('link'));
  const asked: string[] = [];
  const { status, screen } = await sit(old, ['backup', pathOf('link')], [[/of the key: $/, null]], asked);
  t.not(status, 0);
  t.match(screen, /link: found a file that is there already/);
  t.notMatch(screen, /Recovery key of/);
  t.notOk(existsSync(pathOf('nowhere')));
});

const COMMAND = join(checkout, 'dist/lib/airlock-ctl.cjs');

/** In a shell that sends stdout there, or with a reader who leaves at once. */
const backupTo = (name: string, stdout: string): Promise<{ status: number | null; err: string }> =>
  new Promise((resolve) => {
    const shell = ['-c', `exec "$0" "$@" ${stdout}`, process.execPath, COMMAND, 'backup', pathOf(name), '--json'];
    const child = spawn('/bin/bash', shell, { env: { PATH: process.env['PATH'], HOME: old.dir, ...old.env } });
    let err = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (err += chunk));
    if (stdout === '') child.stdout.destroy();
    child.on('close', (status) => resolve({ status, err }));
  });

t.test('BACKUP-10: a key that is printed nowhere is an error, and counts as nothing', async (t) => {
  const before = await kept();
  for (const stdout of ['>&-', '>/dev/null']) {
    const { status, err } = await backupTo('closed', stdout);
    t.equal(status, 2, stdout);
    t.match(err, /the recovery key is printed once, and stdout is closed or \/dev\/null/);
    t.notOk(existsSync(pathOf('closed')));
  }
  const gone = await backupTo('gone', '');
  t.equal(gone.status, 1);
  t.match(gone.err, /the recovery key is lost: stdout cannot be written \(EPIPE\), and no backup counts as kept/);
  t.match(gone.err, /hint: remove \S+gone, which nobody can open/);
  t.equal(await kept(), before);
  t.equal((await backupTo('read', `>${pathOf('read.json')}`)).status, 0);
  await until('negative control: one that was printed', async () => (await kept()) === before + 1);
});
