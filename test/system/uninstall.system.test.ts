/** --uninstall leaves what it says, a new installation finds it again, --purge leaves nothing. */
import { existsSync } from 'node:fs';
import t from 'tap';
import { AGENT, CHECKOUT, ctl, must, OPERATOR, run } from './machine.js';

const uninstall = (...more: readonly string[]): ReturnType<typeof run> => run([`${CHECKOUT}/install.sh`, '--uninstall', ...more]);
const processes = (): Promise<string> => must(['bash', '-c', 'pgrep -af [/]usr/lib/airlock || true']);
const PROGRAMS = ['/usr/lib/airlock', '/usr/local/bin/airlock', '/usr/local/bin/airlock-ctl', '/run/airlock'];
const KEPT = ['/etc/airlock/airlock.yaml', '/var/lib/airlock-totp', '/var/lib/airlock-gateway', '/srv/airlock'];
const units = (): Promise<string> =>
  must([
    'bash',
    '-c',
    'ls -d /etc/systemd/system/airlock-* /usr/lib/systemd/user/airlock-* /etc/systemd/system/*/airlock-*.socket /etc/systemd/system/*/airlock-*.service 2>/dev/null || true',
  ]);

/** Manual pages and completions that are there. */
const helps = (): Promise<string> =>
  must([
    'bash',
    '-c',
    "find /usr/share/man /usr/share/bash-completion /usr/local/share/zsh /usr/share/fish -name '*airlock*' 2>/dev/null || true",
  ]);

t.test('--uninstall', async (t) => {
  t.not(await helps(), '', 'manual pages and completions are there before');
  const { status, stdout, stderr } = await uninstall();
  t.equal(status, 0, stderr || 'succeeds');
  for (const path of PROGRAMS) t.notOk(existsSync(path), `${path} is gone`);
  t.equal(await helps(), '', 'no manual page and no completion is left');
  t.equal(await units(), '', 'no unit is left');
  t.equal(await processes(), '', 'no process is left');
  for (const path of KEPT) {
    t.ok(existsSync(path), `${path} is kept`);
    t.ok(stdout.includes(path.replace('/airlock.yaml', '')), 'and it says so');
  }
  t.match(stdout, /--purge/, 'names the command that removes these');
});

t.test('installed again, it is enrolled and has its services', async (t) => {
  const { status, stderr } = await run([`${CHECKOUT}/install.sh`, '--operator', OPERATOR, '--agent-user', AGENT], {
    timeoutMs: 600_000,
  });
  t.equal(status, 0, stderr.slice(-1500) || 'install.sh');
  t.equal((await ctl(['status'])).value['enrolled'], true);
  t.match((await ctl(['service', 'list'])).value, [{ service: 'mail' }]);
  t.match((await ctl(['role', 'list'])).value, [{ role: 'default' }, { role: 'helper' }]);
  t.equal(
    await must(['stat', '-c', '%a %U:%G', '/run/airlock/agent/helper.sock']),
    '660 root:airlock-r-helper',
    'the other role has its socket',
  );
});

t.test('--uninstall --purge', async (t) => {
  const { status, stdout, stderr } = await uninstall('--purge');
  t.equal(status, 0, stderr || 'succeeds');
  for (const path of [...PROGRAMS, ...KEPT, '/etc/airlock']) t.notOk(existsSync(path), `${path} is gone`);
  t.equal(await units(), '', 'no unit is left');
  t.equal(await processes(), '', 'no process is left');
  t.equal(
    await must(['bash', '-c', 'getent passwd | grep ^airlock- || true; getent group | grep ^airlock- || true']),
    '',
    'no user and no group',
  );
  for (const user of [OPERATOR, AGENT]) t.equal((await run(['id', user])).status, 0, `${user} is still there`);
  t.match(stdout, /removed/);
});

t.test('once more, with nothing there', async (t) => {
  t.equal((await uninstall('--purge')).status, 0);
});
