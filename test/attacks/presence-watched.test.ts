// airlock-presence itself, on a bus that carries logind's messages: storms, kills, forged and broken messages, a dead bus. What was frozen stays so.
import { SIGNAL, formatMessage } from '@airlock/presence';
import {
  addMailbox,
  checkout,
  obtainLease,
  openSession,
  refusalOf,
  startLogindDouble,
  startTestInstance,
  type AgentSession,
  type LogindDouble,
  type Running,
} from '@airlock/testkit';
import type { Connection } from '@airlock/ipc';
import type { ApproveStatus, PresenceView } from '@airlock/protocol';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { ask, auditOf, configWith, connectTo, countUnread, killHard, until } from './support/house.js';

const SESSION = '/org/freedesktop/login1/session/1';

let running: Running;
let bus: LogindDouble;
let agent: AgentSession;
let operator: Connection;
let lease: string;
let watcher: ChildProcess;
let said = '';

const start = (args: readonly string[] = []): ChildProcess => {
  const child = spawn(process.execPath, [join(checkout, 'dist/lib/dev/airlock-presence.cjs'), ...args], {
    env: { PATH: process.env['PATH'], ...running.env, DBUS_SYSTEM_BUS_ADDRESS: bus.address, AIRLOCK_DEV_OPERATOR_UID: '1000' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  return child;
};

const seated = { uid: 1000, seat: 'seat0', active: true, locked: false, idle: false };
t.before(async () => {
  running = await startTestInstance({ cells: 3, config: configWith('presence: {silence_seconds: 20}\n') });
  await addMailbox(running);
  bus = await startLogindDouble(join(running.dir, 'bus'));
  bus.sessions.set('1', { ...seated });
  bus.sessions.set('2', { ...seated, seat: '', active: false, locked: true });
  bus.sessions.set('3', { ...seated, uid: 1001, active: false, locked: true });
  agent = await openSession(running);
  ({ lease } = await obtainLease(running, agent, ['mail:read'], { ttlS: 7200 }));
  operator = await connectTo(running, 'approve/default');
  watcher = start();
});
t.teardown(async () => {
  watcher.kill('SIGKILL');
  agent.close();
  operator.close();
  await bus.close();
  await running.stop();
});

const view = async (): Promise<PresenceView> => {
  const { presence } = await ask<ApproveStatus>(operator, 'status');
  if (presence === undefined) throw new Error('no presence');
  return presence;
};
const held = (reasons: string): Promise<unknown> => until(view, (seen) => seen.reasons.join() === reasons);
const use = (): Promise<string | null> => refusalOf(countUnread(agent, lease));
const frozenCount = async (): Promise<number> =>
  (await auditOf(running, 'presence_frozen')).filter(({ operator }) => operator).length;

t.test('it sees the session at the screen, and neither ssh nor another account', async (t) => {
  await until(view, ({ sessions }) => sessions === 1);
  t.match(await view(), { available: true, reasons: [] });
  t.equal(await use(), null, 'negative control: who is there is not frozen');
});

t.test('lock, idle, switch: each freezes and its end thaws', async (t) => {
  for (const [change, back, reason] of [
    [{ locked: true }, { locked: false }, 'lock'],
    [{ idle: true }, { idle: false }, 'idle'],
    [{ active: false }, { active: true }, 'switch'],
  ] as const) {
    bus.change('1', change);
    await held(reason);
    t.equal(await use(), 'LOCKED', reason);
    bus.change('1', back);
    await held('');
  }
  bus.signal({ path: SESSION, interface: 'org.freedesktop.login1.Session', member: 'Lock', body: [] }, '');
  await held('lock');
  bus.signal({ path: SESSION, interface: 'org.freedesktop.login1.Session', member: 'Unlock', body: [] }, '');
  await held('');
});

t.test('PRESENCE-4: a lock that is over within the same millisecond freezes once, as does a storm of them', async (t) => {
  const before = await frozenCount();
  bus.change('1', { locked: true });
  bus.change('1', { locked: false });
  await until(frozenCount, (count) => count > before);
  await held('');
  for (let n = 0; n < 500; n += 1) bus.change('1', { locked: n % 2 === 0 });
  bus.change('1', { locked: true });
  await held('lock');
  t.equal(await use(), 'LOCKED');
  bus.change('1', { locked: false });
  await held('');
});

t.test('PRESENCE-9: what is not of logind counts for nothing, whoever it says it is', async (t) => {
  bus.change('1', { locked: true });
  await held('lock');
  const unlocked = ['org.freedesktop.login1.Session', [['LockedHint', ['b', false]]], []] as const;
  const properties = { path: SESSION, interface: 'org.freedesktop.DBus.Properties', member: 'PropertiesChanged', body: unlocked };
  for (const sender of [':1.66', 'org.freedesktop.login1', 'org.freedesktop.DBus', ''])
    bus.signal(properties, 'sa{sv}as', sender);
  const woken = { path: '/org/freedesktop/login1', interface: 'org.freedesktop.login1.Manager', member: 'PrepareForSleep' };
  bus.signal({ ...woken, body: [true] }, 'b');
  await held('lock,sleep');
  bus.signal({ ...woken, body: [false] }, 'b', ':1.66');
  bus.signal(
    {
      path: SESSION,
      interface: 'org.freedesktop.DBus',
      member: 'NameOwnerChanged',
      body: ['org.freedesktop.login1', ':1.7', ':1.66'],
    },
    'sss',
    ':1.66',
  );
  bus.signal(properties, 'sa{sv}as', ':1.66');
  const before = await frozenCount();
  bus.signal({ path: SESSION, interface: 'org.freedesktop.login1.Session', member: 'Lock', body: [] }, '');
  await until(view, ({ reasons }) => reasons.join() === 'lock,sleep');
  t.equal(await use(), 'LOCKED');
  t.equal(await frozenCount(), before);
  bus.signal({ ...woken, body: [false] }, 'b');
  await held('lock');
  t.pass('PRESENCE-8: waking ends sleep, a little later');
});

t.test('PRESENCE-9: what any user can send us, too long or broken, ends no connection and hides no lock', async (t) => {
  const of = { type: SIGNAL, serial: 1, path: '/a', interface: 'a.b', member: 'C' };
  const broken = (sender: string): Buffer => formatMessage({ ...of, sender, body: [2] }, 'b');
  bus.change('1', { locked: false });
  await held('');
  const { greeted } = bus;
  bus.send(formatMessage({ ...of, sender: ':1.66', body: ['x'.repeat(3_000_000)] }));
  bus.send(broken(':1.66'));
  bus.change('1', { locked: true });
  await held('lock');
  t.equal(bus.greeted, greeted);
  bus.send(broken(':1.7'));
  await until(
    () => Promise.resolve(bus.greeted),
    (count) => count > greeted,
  );
  t.equal(await use(), 'LOCKED', 'negative control: where logind itself is broken it connects again');
});

t.test(
  'PRESENCE-5, PRESENCE-9: broken messages end the connection, and thaw nothing; it connects again and goes on',
  async (t) => {
    const good = formatMessage({
      type: SIGNAL,
      serial: 1,
      sender: ':1.7',
      path: SESSION,
      interface: 'a.b',
      member: 'C',
      body: ['x'],
    });
    const tooLong = Buffer.from(good);
    tooLong.writeUInt32LE(0x0fffffff, 4);
    const otherVersion = Buffer.from(good);
    otherVersion[3] = 2;
    for (const bytes of [Buffer.from('HTTP/1.1 200 OK\r\n\r\n'), tooLong, otherVersion, Buffer.alloc(4096, 0xff)]) {
      const { greeted } = bus;
      bus.send(bytes);
      await until(
        () => Promise.resolve(bus.greeted),
        (count) => count > greeted,
      );
      t.equal(await use(), 'LOCKED');
    }
    await until(view, ({ available }) => available === true);
    t.same((await view()).reasons, ['lock']);
    t.match(said, /the bus sent a message/);
  },
);

t.test(
  'PRESENCE-5: killed while frozen it stays frozen, also where the screen was unlocked meanwhile, until it is seen again',
  async (t) => {
    await killHard(watcher.pid ?? 0);
    bus.change('1', { locked: false });
    running.clock.advance(600_000);
    for (let n = 0; n < 5; n += 1) t.equal(await use(), 'LOCKED');
    watcher = start();
    await held('');
    t.equal(await use(), null, 'negative control: seen again it is thawed');
  },
);

t.test('a bus that hangs or dies while frozen leaves it frozen, and is said', async (t) => {
  bus.change('1', { locked: true });
  await held('lock');
  const { address } = bus;
  await bus.close();
  await until(view, ({ available }) => available === false);
  t.same((await view()).reasons, ['lock']);
  let calls = 0;
  const deaf = createServer((socket) => {
    calls += 1;
    socket.destroy();
  }).listen(address.replace('unix:path=', ''));
  await until(
    () => Promise.resolve(calls),
    (count) => count > 0,
  );
  await new Promise((resolve) => setTimeout(resolve, 4000));
  t.ok(calls <= 6, `one attempt a second, not ${calls}`);
  await new Promise((resolve) => deaf.close(resolve));
  bus = await startLogindDouble(address.replace('unix:path=', ''));
  bus.sessions.set('1', { ...seated });
  await held('');
  t.equal(await use(), null);
});

t.test('PRESENCE-8: `airlock-presence sleep` has frozen when it ends, and says where it could not', async (t) => {
  const [status] = (await once(start(['sleep']), 'exit')) as [number];
  t.equal(status, 0);
  t.same((await view()).reasons, ['sleep']);
  t.equal(await use(), 'LOCKED');
  await until(view, ({ heardS }) => heardS === 0);
  t.same((await view()).reasons, ['sleep'], 'a report does not wake the machine');
  const [unknown] = (await once(start(['wake']), 'exit')) as [number];
  t.equal(unknown, 1);
  t.match(said, /unknown argument wake/);
});
