/** install.sh in a real machine: refuses what it should, installs, is re-run, adds a role; modes, units and their exposure. */
import { lstatSync, readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { AGENT, CHECKOUT, ctl, leaveFact, must, OPERATOR, OTHER_AGENT, run, until } from './machine.js';
import { PERIOD_S } from './phone.js';
import { REFUSALS, refusalCommand, shell } from './refusals.js';

const INSTALL = [`${CHECKOUT}/install.sh`, '--operator', OPERATOR, '--agent-user', AGENT];
const NPM_TIMEOUT_MS = 600_000;

t.test('install.sh refuses and changes nothing', async (t) => {
  for (const refusal of REFUSALS) {
    await shell(refusal.prepare);
    const { status, stderr } = await run(refusalCommand(refusal), refusal.user === undefined ? {} : { user: refusal.user });
    await shell(refusal.undo);
    t.equal(status, refusal.status, `${refusal.name}: status ${refusal.status}`);
    t.match(stderr, refusal.error, `${refusal.name}: says what is wrong`);
    t.match(stderr.split('hint: ')[1] ?? '', refusal.hint, `${refusal.name}: says how to go on`);
  }
  const traces = ['/usr/lib/airlock', '/etc/airlock', '/var/lib/airlock-totp', '/etc/systemd/system/airlock-totp.service'];
  for (const path of traces) t.equal(lstatSync(path, { throwIfNoEntry: false }), undefined, `${path} was not made`);
  t.not((await run(['getent', 'passwd', 'airlock-totp'])).status, 0, 'no user was made');
});

t.test('install.sh --help tells its modes', async (t) => {
  const { status, stdout } = await run([`${CHECKOUT}/install.sh`, '--help']);
  t.equal(status, 0);
  for (const word of ['--demo', '--operator', '--agent-user', '--same-user', '--uninstall', '--purge'])
    t.ok(stdout.includes(word), word);
});

t.test('the workstation is installed', async (t) => {
  const { status, stdout, stderr } = await run(INSTALL, { timeoutMs: NPM_TIMEOUT_MS });
  t.equal(status, 0, stderr.slice(-1500) || 'install.sh succeeds');
  t.match(stdout, /ada was added to a group: log in again/, 'says that the group needs a new login');
  t.match(stdout, /sudo airlock-ctl init/, 'names the next command');
  t.equal((await run(['git', '-C', CHECKOUT, 'status', '--porcelain'])).stdout, '', 'the checkout is as it was');
  t.equal(lstatSync(`${CHECKOUT}/node_modules`, { throwIfNoEntry: false }), undefined, 'nothing was built in the checkout');
  t.equal(await must(['bash', '-c', 'ls -d /var/tmp/airlock-build.* 2>/dev/null | wc -l']), '0', 'the private build is gone');
  for (const unit of ['airlock-totp', 'airlock-gateway']) {
    t.ok(await until(async () => (await run(['systemctl', 'is-active', '-q', unit])).status === 0, 5000), `${unit} runs`);
  }
});

/** Shorter steps, so that the walk through the approvals takes minutes instead of half an hour. */
t.test('a change of airlock.yaml takes effect with a restart', async (t) => {
  const path = '/etc/airlock/airlock.yaml';
  writeFileSync(path, readFileSync(path, 'utf8').replace('period: 30', `period: ${PERIOD_S}`));
  await must(['systemctl', 'restart', 'airlock-totp', 'airlock-gateway']);
  t.match(readFileSync('/etc/airlock/compiled/config.json', 'utf8'), new RegExp(`"periodS": ?${PERIOD_S}`));
});

t.test('a second run keeps configuration and state, and goes without a complaint', async (t) => {
  const state =
    'sha256sum /etc/airlock/airlock.yaml /etc/airlock/roles.json /etc/airlock/keys/*; ls -i /var/lib/airlock-totp/*key* 2>/dev/null; true';
  const before = await must(['bash', '-c', state]);
  const { status, stderr, stdout } = await run(INSTALL, { timeoutMs: NPM_TIMEOUT_MS });
  t.equal(status, 0, stderr.slice(-1500) || 'install.sh succeeds again');
  t.equal(await must(['bash', '-c', state]), before, 'configuration and keys are the same');
  t.notMatch(stdout, /log in again/, 'nobody joined a group, so nobody is sent to log in');
});

t.test('a role is added with its own group, socket and user', async (t) => {
  const { status, stderr } = await ctl(['role', 'add', 'helper', '--user', OTHER_AGENT], { user: 'root' });
  t.equal(status, 0, stderr || 'role add helper');
  t.ok(
    await until(() => lstatSync('/run/airlock/agent/helper.sock', { throwIfNoEntry: false }) !== undefined, 3000),
    'its socket is there',
  );
  t.match(await must(['id', '-nG', OTHER_AGENT]), /airlock-r-helper/);
});

const MANUAL: readonly (readonly [page: string, section: string])[] = [
  ['airlock', '1'],
  ['airlock-ctl', '1'],
  ['airlock.yaml', '5'],
  ['airlock-totp', '8'],
  ['airlock-gateway', '8'],
  ['airlock-export', '8'],
  ['airlock-presence', '8'],
  ['airlock-cell', '8'],
];
const COMPLETIONS = ['airlock', 'airlock-ctl'].flatMap((name) => [
  `/usr/share/bash-completion/completions/${name}`,
  `/usr/local/share/zsh/site-functions/_${name}`,
  `/usr/share/fish/vendor_completions.d/${name}.fish`,
]);

/** architecture.md, table of sockets: path, mode, group. */
const SOCKETS: readonly (readonly [string, string, string])[] = [
  ['agent/default.sock', '660', 'airlock-r-default'],
  ['agent/helper.sock', '660', 'airlock-r-helper'],
  [`operator/${OPERATOR}.sock`, '660', `airlock-o-${OPERATOR}`],
  [`approve/${OPERATOR}.sock`, '660', `airlock-o-${OPERATOR}`],
  ['bridge.sock', '660', 'airlock-gateway'],
  ['release.sock', '660', 'airlock-cells'],
  ['root.sock', '600', 'root'],
  ['export.sock', '660', 'airlock-export'],
  ['presence.sock', '660', 'airlock-presence'],
  ['cell/0.sock', '660', 'airlock-gateway'],
  ['cell/15.sock', '660', 'airlock-gateway'],
  ['mcp/0.sock', '660', 'airlock-cells'],
  ['mcp/15.sock', '660', 'airlock-cells'],
];

t.test('sockets, directories and programs belong to whom the table says', async (t) => {
  for (const [file, mode, group] of SOCKETS)
    t.equal(await must(['stat', '-c', '%F %a %U:%G', `/run/airlock/${file}`]), `socket ${mode} root:${group}`, file);
  for (const name of ['totp', 'gateway'])
    t.equal(await must(['stat', '-c', '%a %U:%G', `/var/lib/airlock-${name}`]), `700 airlock-${name}:airlock-${name}`);
  const loose = await must([
    'bash',
    '-c',
    'find /usr/lib/airlock /etc/airlock \\( ! -user root -o -perm /022 \\) ! -type l; find /usr/lib/airlock -name "dev*"; true',
  ]);
  t.equal(loose, '', 'programs and configuration are of root, and no development program is among them');
  for (const name of ['airlock', 'airlock-ctl'])
    t.equal(await must(['readlink', `/usr/local/bin/${name}`]), `/usr/lib/airlock/${name}`);
});

t.test('the manual and the completions are where man and the shells look', async (t) => {
  for (const [page, section] of MANUAL) {
    t.equal(await must(['man', '-w', section, page]), `/usr/share/man/man${section}/${page}.${section}`);
    t.match(await must(['bash', '-c', `man --warnings=w ${section} ${page} 2>&1 | head -n 20`]), page);
  }
  for (const path of COMPLETIONS) t.equal(await must(['stat', '-c', '%a %U', path]), '644 root', path);
  t.match(
    await must(['bash', '-c', 'source /usr/share/bash-completion/completions/airlock-ctl && complete -p airlock-ctl'], {
      user: OPERATOR,
    }),
    '_airlock_ctl',
  );
});

t.test('the wrapping key is sealed by systemd-creds', async (t) => {
  t.equal(await must(['stat', '-c', '%a %U', '/etc/airlock/wrap.cred']), '600 root');
  t.equal(
    await must(['bash', '-c', 'ls /var/lib/airlock-totp/wrap.key 2>/dev/null; true']),
    '',
    'and does not lie beside what it wraps',
  );
  const { value } = await ctl(['doctor'], { user: 'root', env: { AIRLOCK_OPERATOR: OPERATOR } });
  t.match(JSON.stringify(value), /"id":"wrapping key","ok":true,"found":"host: /, 'a container has no TPM');
});

/** quality.md: exposure of the units. */
const EXPOSURE: readonly (readonly [string, number])[] = [
  ['airlock-totp.service', 0.4],
  ['airlock-gateway.service', 0.6],
  ['airlock-presence.service', 0.6],
  ['airlock-sleep.service', 0.6],
  ['airlock-cell@0.service', 2.0],
  ['airlock-mcp@0.service', 2.0],
];

t.test('systemd-analyze security', async (t) => {
  for (const [unit, limit] of EXPOSURE) {
    const text = await must(['systemd-analyze', 'security', '--no-pager', unit]);
    const found = Number(/exposure level for [^:]+: ([0-9.]+)/.exec(text)?.[1] ?? 'NaN');
    leaveFact(`exposure ${unit}`, String(found));
    t.ok(found <= limit, `${unit}: ${found} of at most ${limit}`);
  }
});

t.test('doctor finds nothing but the missing phone', async (t) => {
  const { value } = await ctl(['doctor'], { user: 'root' });
  const checks = (value['checks'] ?? []) as { id: string; ok: boolean; found: string }[];
  t.ok(checks.length > 10, 'it looks at much');
  t.strictSame(
    checks.filter(({ ok }) => !ok).map(({ id, found }) => `${id}: ${found}`),
    ['phone: not enrolled'],
  );
});
