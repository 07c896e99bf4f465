/**
 * The wrapping key sealed with a TPM (swtpm), told by doctor and opened by systemd for the daemon alone; the same disk beside another
 * TPM; and that machine begun anew from a backup and its printed key. VAULT-13.
 */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { call, obtain } from './approval.js';
import { AGENT, CHECKOUT, ctl, errorCode, leaveFact, must, OPERATOR, OTHER_AGENT, run, until, wait } from './machine.js';
import { mailFacts, password, startMail } from './mailbox.js';
import { codeOfStep, nextCode, PERIOD_S } from './phone.js';
import { exchangeTpm, startTpm, stopTpm, TPM_DEVICE } from './tpm.js';

const CRED = '/etc/airlock/wrap.cred';
const BACKUP = '/root/the-backup';
const TPM = { env: { SYSTEMD_TPM2_DEVICE: TPM_DEVICE } };
const install = (...more: readonly string[]): ReturnType<typeof run> =>
  run([`${CHECKOUT}/install.sh`, '--operator', OPERATOR, '--agent-user', AGENT, ...more], { ...TPM, timeoutMs: 900_000 });

const doctor = async (): Promise<{ id: string; ok: boolean; found: string; fix: string } | undefined> => {
  const { value } = await ctl(['doctor'], { user: 'root', env: { AIRLOCK_OPERATOR: OPERATOR } });
  return ((value['checks'] ?? []) as { id: string; ok: boolean; found: string; fix: string }[]).find(
    ({ id }) => id === 'wrapping key',
  );
};
const isUp = async (): Promise<boolean> => (await ctl(['status'])).status === 0;
const restart = (): ReturnType<typeof run> => run(['systemctl', 'restart', 'airlock-totp', 'airlock-gateway']);
const wrappingKey = (): Promise<string> =>
  must(['bash', '-c', `systemd-creds decrypt --name=airlock-wrap ${CRED} - | sha256sum`], TPM);

t.test('install.sh seals with the TPM and the key of the host, or not at all', async (t) => {
  await startTpm();
  const refused = await install('--seal-with', 'wax');
  t.equal(refused.status, 2);
  t.match(refused.stderr, /--seal-with wax: allowed are tpm2\+host, tpm2, host/);
  const { status, stderr } = await install('--seal-with', 'tpm2+host');
  t.equal(status, 0, stderr.slice(-1500) || 'install.sh');
  t.equal(await must(['stat', '-c', '%a %U', CRED]), '600 root');
  t.notOk(existsSync('/var/lib/airlock-totp/wrap.key'), 'W does not lie beside what it wraps');
  t.match(await doctor(), { ok: true, found: /^tpm2\+host: / });
  t.equal((await run(['systemd-creds', 'decrypt', '--name=other', CRED, '-'], TPM)).status === 0, false, 'bound to its name');
});

t.test('systemd opens it for airlock-totp, and for no other', async (t) => {
  const credential = '/run/credentials/airlock-totp.service/airlock-wrap';
  t.equal(statSync(credential).size, 32);
  for (const user of [OPERATOR, AGENT, 'airlock-gateway']) t.not((await run(['cat', credential], { user })).status, 0, user);
  t.match(await must(['stat', '-f', '-c', '%T', credential]), /ramfs|tmpfs/, 'in memory');
});

t.test('a machine is set up: phone, mailbox, role, policy, skill, connector', async (t) => {
  const path = '/etc/airlock/airlock.yaml';
  const yaml = readFileSync(path, 'utf8').replace('period: 30', `period: ${PERIOD_S}`);
  writeFileSync(path, `${yaml}policies: {default: [no-search]}\n`);
  for (const [dir, file, text] of FILES) writeFileSync(`/etc/airlock/${dir}/${file}`, text, { mode: 0o644 });
  await restart();
  t.ok(await until(isUp, 10_000));
  const begun = (await ctl(['totp', 'setup'], { user: 'root', env: { AIRLOCK_OPERATOR: OPERATOR } })).value;
  leaveFact('secret', String(begun['secret']));
  const step = Math.floor(Date.now() / 1000 / PERIOD_S);
  const codes = `${await codeOfStep(step)}\n${await codeOfStep(step + 1)}\n`;
  const verified = await ctl(['totp', 'verify', '--code-stdin'], {
    user: 'root',
    env: { AIRLOCK_OPERATOR: OPERATOR },
    input: codes,
  });
  t.equal(verified.status, 0, JSON.stringify(verified.value));
  leaveFact('lastStep', String(step + 1));
  await startMail();
  const { port, pin } = mailFacts();
  const settings = ['host=127.0.0.1', `port=${port}`, 'user=ada', `tlsPin=${pin}`].flatMap((pair) => ['--set', pair]);
  const added = await ctl(['service', 'add', 'imap', '--name', 'mail', ...settings, '--stdin'], {
    input: `${password()}\n${await nextCode()}\n`,
    timeoutMs: 90_000,
  });
  t.equal(added.status, 0, JSON.stringify(added.value));
  t.equal((await ctl(['role', 'add', 'helper', '--user', OTHER_AGENT], { user: 'root' })).status, 0);
  t.equal((await obtain(['mail:read'], 30)).asked.status, 0);
  t.equal((await call('count_unread')).status, 0);
});

/** What lies below /etc/airlock beside airlock.yaml. */
const FILES: readonly (readonly [string, string, string])[] = [
  [
    'policies',
    'no-search.json',
    JSON.stringify({
      id: 'no-search',
      name: 'No search',
      description: 'of the old machine',
      status: 'active',
      blocked_commands: [],
      rules: [{ id: 'never', decision: 'deny', operations: ['search'], reason: 'of the old machine' }],
    }),
  ],
  ['skills', 'mail.md', '---\nname: mail\ndescription: how this mailbox is kept\n---\nWork is in the folder Work.\n'],
];

t.test('the machine starts again: systemd opens W with the TPM', async (t) => {
  await stopTpm();
  await startTpm();
  await restart();
  t.ok(await until(isUp, 10_000), 'both daemons are up');
  t.equal((await obtain(['mail:read'], 30)).asked.status, 0, 'the mailbox is asked for');
  t.equal((await call('count_unread')).status, 0, 'and its credential opens');
});

let key = '';
t.test('a backup is made, and none is readable without its key', async (t) => {
  const made = await ctl(['backup', BACKUP], { user: 'root', env: { AIRLOCK_OPERATOR: OPERATOR } });
  t.equal(made.status, 0, JSON.stringify(made.value));
  key = String(made.value['recoveryKey']);
  t.notOk(readFileSync(BACKUP).includes(password()));
});

t.test('VAULT-13: beside another TPM airlock-totp does not start, and everything that is asked says why', async (t) => {
  await exchangeTpm('first-tpm');
  await restart();
  await wait(2500);
  t.notOk(await until(isUp, 2500), 'it does not serve');
  const journal = await must(['journalctl', '-u', 'airlock-totp', '--no-pager', '-n', '200']);
  t.match(journal, /airlock-totp cannot start: the wrapping key does not open on this machine/);
  t.match(journal, /begin anew with the last backup: .*airlock-ctl restore FILE/);
  t.match(await doctor(), { ok: false, found: /^tpm2\+host: .*does not open on this machine/, fix: /restore FILE/ });
  for (const command of [['leases'], ['approve', '123456'], ['status']]) {
    const start = performance.now();
    const answer = await ctl(command);
    t.match(`${JSON.stringify(answer.value)}${answer.stderr}`, /does not open on this machine|"up":false/, command.join(' '));
    t.ok(performance.now() - start < 20_000, 'and does not keep anybody waiting for a minute');
  }
  const agent = await call('count_unread');
  t.not(agent.status, 0, `an agent gets nothing: ${errorCode(agent)}`);
  const starts = Number(await must(['bash', '-c', 'journalctl -u airlock-totp --no-pager --since=-10s | grep -c Starting']));
  t.ok(starts <= 5, `${starts} tries in ten seconds`);
});

t.test('negative control: with its own TPM it starts by itself', async (t) => {
  await exchangeTpm('other-tpm', 'first-tpm');
  t.ok(await until(isUp, 15_000), 'nobody had to do anything');
  t.match(await doctor(), { ok: true });
  await restart();
  t.ok(await until(isUp, 10_000));
});

t.test('a new machine: purged as doctor says, installed, restored with the printed key', async (t) => {
  await exchangeTpm('first-tpm', 'other-tpm');
  const purged = await run([`${CHECKOUT}/install.sh`, '--uninstall', '--purge']);
  t.equal(purged.status, 0, purged.stderr);
  const { status, stderr } = await install('--seal-with', 'tpm2+host');
  t.equal(status, 0, stderr.slice(-1500) || 'install.sh');
  const restored = await ctl(['restore', BACKUP], {
    user: 'root',
    env: { AIRLOCK_OPERATOR: OPERATOR },
    input: `${key}\n`,
    timeoutMs: 90_000,
  });
  t.equal(restored.status, 0, JSON.stringify(restored.value));
  t.match(restored.value, { operators: [OPERATOR], services: ['mail'] });
  t.match(JSON.stringify(restored.value), new RegExp(`role add helper --user ${OTHER_AGENT}`), 'what has to be set up by hand');
  for (const [dir, file, text] of FILES) t.equal(readFileSync(`/etc/airlock/${dir}/${file}`, 'utf8'), text, `${dir}/${file}`);
  t.match(readFileSync('/etc/airlock/airlock.yaml', 'utf8'), new RegExp(`period: ${PERIOD_S}`));
  t.ok(await until(isUp, 1), 'in force when it returns');
});

t.test('the phone approves, the mailbox is read, the policy denies', async (t) => {
  // Steps that the window reached at the restore are closed.
  leaveFact('lastStep', String(Math.floor(Date.now() / 1000 / PERIOD_S) + 2));
  const { asked } = await obtain(['mail:read'], 30);
  t.equal(asked.status, 0, JSON.stringify(asked.value));
  t.match((await call('count_unread')).value['result'], { total: 440 });
  t.match(JSON.stringify((await call('search', { subject: 'x' })).value), /of the old machine/);
  t.equal((await ctl(['audit', 'verify'])).value['ok'], true);
});

t.test('--reseal seals the same key anew, and a TPM that does not answer changes nothing', async (t) => {
  const reseal = (kind: string): ReturnType<typeof run> => run([`${CHECKOUT}/install.sh`, '--reseal', kind], TPM);
  const before = await wrappingKey();
  const bytes = readFileSync(CRED);
  await stopTpm();
  const refused = await reseal('tpm2');
  t.not(refused.status, 0);
  t.match(refused.stderr, /cannot be sealed with tpm2: .*[^]*nothing was changed/);
  t.same(readFileSync(CRED), bytes);
  t.notOk(existsSync(`${CRED}.new`));
  await startTpm();
  const { status, stderr } = await reseal('tpm2');
  t.equal(status, 0, stderr);
  t.match(await doctor(), { ok: true, found: /^tpm2: / });
  t.equal(await wrappingKey(), before, 'the same key');
  t.ok(await until(isUp, 10_000));
  const { asked } = await obtain(['mail:read'], 30);
  t.equal(asked.status, 0, JSON.stringify(asked.value));
  t.equal((await call('count_unread')).status, 0, 'credentials open');
});

t.test('BACKUP-1: an agent, and the operator without root, neither back up nor restore', async (t) => {
  for (const user of [AGENT, OPERATOR])
    for (const command of [
      ['backup', `/tmp/of-${user}`],
      ['restore', BACKUP],
      ['restore', '/etc/airlock/airlock.yaml'],
    ]) {
      const answer = await ctl(command, { user, input: `${key}\n` });
      t.not(answer.status, 0, `${user}: ${command.join(' ')}`);
      t.notOk(existsSync(`/tmp/of-${user}`));
    }
  t.not((await ctl(['rotate'], { user: AGENT, input: `${await nextCode()}\n` })).status, 0, 'nor does an agent rotate');
  t.equal(
    (await ctl(['rotate'], { input: `${await nextCode()}\n`, timeoutMs: 90_000 })).status,
    0,
    'negative control: the operator does',
  );
  t.match(
    await ctl(['totp', 'reset', '--recovery'], { user: AGENT, input: 'AAAA-AAAA-AAAA-AAAA\n' }),
    { status: 5 },
    'nor resets the phone',
  );
});
