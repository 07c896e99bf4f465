/** Which socket is taken, and what is said where none can be. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { chooseAgentSocket, connectAirlock, findAgentSocket, roleMemory, runtimeDir } from '../src/index.js';

/** A runtime directory with a listening socket for each role. */
const runtime = async (
  test: Test,
  ...roles: string[]
): Promise<{ readonly dir: string; readonly env: Record<string, string> }> => {
  const dir = mkdtempSync(join(tmpdir(), 'airlock-run-'));
  mkdirSync(join(dir, 'agent'));
  const servers = roles.map((role) => {
    const server = createServer();
    return new Promise<typeof server>((resolve) => server.listen(join(dir, 'agent', `${role}.sock`), () => resolve(server)));
  });
  const listening = await Promise.all(servers);
  test.teardown(() => {
    for (const server of listening) server.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return { dir, env: { AIRLOCK_RUNTIME_DIR: dir } };
};

t.test('explicit names win over the environment, the socket over the role', async (test) => {
  const { dir, env } = await runtime(test, 'a', 'b');
  const all = { ...env, AIRLOCK_SOCKET: '/elsewhere/agent/c.sock', AIRLOCK_ROLE: 'b' };
  test.same(findAgentSocket({ socket: '/x/d.sock', role: 'a', env: all }), { path: '/x/d.sock', role: 'd' });
  test.same(findAgentSocket({ role: 'a', env: all }), { path: join(dir, 'agent/a.sock'), role: 'a' });
  test.same(findAgentSocket({ env: all }), { path: '/elsewhere/agent/c.sock', role: 'c' });
  test.same(findAgentSocket({ env: { ...env, AIRLOCK_ROLE: 'b' } }), { path: join(dir, 'agent/b.sock'), role: 'b' });
});

t.test('the only connectable socket is taken; other files do not count', async (test) => {
  const { dir, env } = await runtime(test, 'mail');
  writeFileSync(join(dir, 'agent/other.sock'), '');
  writeFileSync(join(dir, 'agent/README'), '');
  test.same(findAgentSocket({ env }), { path: join(dir, 'agent/mail.sock'), role: 'mail' });
});

t.test('several: UNAVAILABLE names them', async (test) => {
  const { env } = await runtime(test, 'mail', 'infra');
  test.throws(() => findAgentSocket({ env }), {
    code: 'UNAVAILABLE',
    message: /infra, mail/,
    data: { hint: /AIRLOCK_ROLE=infra/ },
  });
});

t.test('what was remembered goes behind what is named and before the only socket', async (test) => {
  const { dir, env: plain } = await runtime(test, 'mail', 'infra');
  const env = { ...plain, XDG_CONFIG_HOME: join(dir, 'config') };
  const memory = roleMemory(env);
  test.equal(memory.read(), null);
  memory.write('infra');
  test.equal(statSync(memory.path ?? '').mode & 0o777, 0o600);
  const path = (role: string): string => join(dir, `agent/${role}.sock`);
  test.same(chooseAgentSocket({ env }), { socket: { path: path('infra'), role: 'infra' }, why: 'remembered' });
  const named = { ...env, AIRLOCK_ROLE: 'mail' };
  test.same(chooseAgentSocket({ env: named }), { socket: { path: path('mail'), role: 'mail' }, why: 'environment' });
  test.equal(chooseAgentSocket({ role: 'mail', env }).why, 'flag');
  rmSync(path('infra'), { force: true });
  test.equal(findAgentSocket({ env }).role, 'infra', 'gone, it is an error of the connection and never another role');
  memory.forget();
  memory.forget();
  test.same(chooseAgentSocket({ env }), { socket: { path: path('mail'), role: 'mail' }, why: 'only one' });
});

t.test('a memory that is not ours alone, or holds no role, is refused; an installation has one of its own', async (test) => {
  const { dir, env: plain } = await runtime(test, 'mail');
  const env = { ...plain, XDG_CONFIG_HOME: join(dir, 'config') };
  const memory = roleMemory(env);
  memory.write('mail');
  const file = memory.path ?? '';
  writeFileSync(file, '../operator/default');
  test.throws(() => findAgentSocket({ env }), { code: 'CONFIG_INVALID', message: /no name of a role/ });
  chmodSync(file, 0o666);
  test.throws(() => findAgentSocket({ env }), { code: 'CONFIG_INVALID', message: /open to other users/ });
  rmSync(file);
  symlinkSync('/etc/hostname', file);
  test.throws(() => findAgentSocket({ env }), { code: 'CONFIG_INVALID', message: /symbolic link/ });
  test.same(readdirSync(env.XDG_CONFIG_HOME).length, 1);
  test.equal(roleMemory({ XDG_CONFIG_HOME: '/c' }).path, '/c/airlock/role');
  test.equal(roleMemory({ HOME: '/h' }).path, '/h/.config/airlock/role');
  test.equal(roleMemory({}).path, null);
  test.throws(() => roleMemory({}).write('mail'), { code: 'CONFIG_INVALID', data: { hint: /AIRLOCK_ROLE/ } });
});

t.test('none: UNAVAILABLE says where it looked', async (test) => {
  const { dir, env } = await runtime(test);
  test.throws(() => findAgentSocket({ env }), { code: 'UNAVAILABLE', message: new RegExp(dir), data: { hint: /doctor/ } });
  test.throws(() => findAgentSocket({ env: { AIRLOCK_RUNTIME_DIR: '/nonexistent' } }), { code: 'UNAVAILABLE' });
});

t.test(
  'no permission: UNAVAILABLE names the group and the remedy',
  { skip: process.getuid?.() === 0 ? 'root may connect to everything' : false },
  async (test) => {
    const { dir, env } = await runtime(test, 'mail');
    chmodSync(join(dir, 'agent/mail.sock'), 0o000);
    test.throws(() => findAgentSocket({ env }), { code: 'UNAVAILABLE', data: { hint: /usermod -aG/ } });
  },
);

t.test('a role that could be a path is refused', async (test) => {
  const { env } = await runtime(test, 'mail');
  for (const role of ['../operator/default', 'a/b', '', 'A', 'x'.repeat(19)]) {
    test.throws(() => findAgentSocket({ role, env }), { code: 'PARAMS_INVALID' }, role);
  }
});

t.test('an empty variable counts as none', (test) => {
  test.equal(runtimeDir({ AIRLOCK_RUNTIME_DIR: '' }), '/run/airlock');
  test.end();
});

t.test('a named socket that is not there is said by the connection', async (test) => {
  const { env } = await runtime(test, 'mail');
  await test.rejects(connectAirlock({ role: 'infra', env }), { code: 'UNAVAILABLE', message: /infra\.sock/ });
});
