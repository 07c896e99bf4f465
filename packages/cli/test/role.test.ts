/** `airlock use` and `airlock current`. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fakeGateway } from '@airlock/client/test/fake-gateway';
import t, { type Test } from 'tap';
import { MAIN, airlock } from './command.js';

/** Two roles below one directory of sockets. */
const two = async (test: Test) => {
  const mail = await fakeGateway({ role: 'mail' });
  const infra = await fakeGateway({ role: 'infra', dir: mail.dir });
  test.teardown(async () => {
    await infra.stop();
    await mail.remove();
  });
  return { mail, infra, env: { ...mail.env, XDG_CONFIG_HOME: join(mail.dir, 'config') } };
};

t.test('several roles: one is chosen once, and said with its reason', async (test) => {
  const { env } = await two(test);
  const undecided = await airlock(['status', '--json'], { env });
  test.match(undecided.json, { error: { code: 'UNAVAILABLE', hint: /airlock use infra/ } });
  test.equal((await airlock(['use', 'mail'], { env })).stdout, 'from now on: role mail\n');
  test.match((await airlock(['status', '--json'], { env })).json, { role: 'mail' });
  const current = await airlock(['current', '--json'], { env });
  test.match(current.json, { role: 'mail', why: 'remembered', socket: /mail\.sock$/, session: String, leases: [] });
  test.match((await airlock(['current'], { env })).stdout, /^role {5}mail \(remembered.*\nsocket .*\nsession .*\nlease {4}none/);
  const named = { ...env, AIRLOCK_ROLE: 'infra' };
  test.match((await airlock(['current', '--json'], { env: named })).json, { role: 'infra', why: 'environment' });
  test.match((await airlock(['current', '--json', '--role', 'infra'], { env })).json, { role: 'infra', why: 'flag' });
  test.match((await airlock(['use', 'mail'], { env: named })).stderr, /AIRLOCK_ROLE is set and goes before it/);
  test.match((await airlock(['use', '--forget', '--json'], { env })).json, { forgotten: 'mail' });
  test.equal((await airlock(['status'], { env })).code, 5);
});

t.test('a role that is not there is not remembered', async (test) => {
  const { env } = await two(test);
  const refused = await airlock(['use', 'nobody', '--json'], { env });
  test.equal(refused.code, 5);
  test.equal(existsSync(env.XDG_CONFIG_HOME), false);
  test.match((await airlock(['use', '--json'], { env })).json, { error: { code: 'PARAMS_INVALID' } });
  test.match((await airlock(['use', '../x', '--json'], { env })).json, { error: { code: 'PARAMS_INVALID' } });
});

t.test('a remembered role that is gone is an error, never another role', async (test) => {
  const { infra, env } = await two(test);
  await airlock(['use', 'infra'], { env });
  await infra.stop();
  const refused = await airlock(['current'], { env });
  test.equal(refused.code, 5);
  test.match(refused.stderr, /airlock: role {5}infra \(remembered/);
});

const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;

t.test('no permission: the group and the remedy are named, nothing is remembered', async (test) => {
  const { mail, env } = await two(test);
  // Root is refused nothing, so root becomes somebody else.
  chmodSync(mail.dir, 0o755);
  chmodSync(mail.path, isRoot ? 0o600 : 0o000);
  const home = { ...env, XDG_CONFIG_HOME: '/nonexistent/config', XDG_RUNTIME_DIR: '/nonexistent/run' };
  const { status, stderr } = spawnSync(process.execPath, [MAIN, 'use', 'mail'], {
    ...{ env: home, encoding: 'utf8' },
    ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
  });
  test.equal(status, 5);
  test.match(stderr, /no permission on .*mail\.sock, which is for the group [a-z]/);
  test.match(stderr, /sudo usermod -aG [a-z]/);
});
