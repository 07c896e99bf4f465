/** Presence with the real systemd-logind, the real bus and real units: sessions at a seat, over ssh, of others; lock, idle, switch, sleep, log-out, kill. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { call, obtain } from './approval.js';
import { AGENT, CHECKOUT, ctl, errorCode, mainPid, must, OPERATOR, run, until } from './machine.js';
import { nextCode } from './phone.js';

interface Session {
  readonly id: string;
  end(): Promise<void>;
}

const sessions: ChildProcess[] = [];
const openSession = async (user: string, seat: string, kind: string): Promise<Session> => {
  const uid = await must(['id', '-u', user]);
  const child = spawn('python3', [`${CHECKOUT}/test/system/session.py`, uid, seat, kind], { stdio: ['pipe', 'pipe', 'inherit'] });
  sessions.push(child);
  const [id] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const end = async (): Promise<void> => {
    child.stdin.end();
    await once(child, 'exit');
  };
  return { id: id.trim(), end };
};

const LOGIND = 'org.freedesktop.login1';
const tellLogind = async (session: string, method: 'SetLockedHint' | 'SetIdleHint', on: boolean): Promise<void> => {
  const path = await must([
    'bash',
    '-c',
    `busctl call ${LOGIND} /org/freedesktop/login1 ${LOGIND}.Manager GetSession s ${session} | cut -d'"' -f2`,
  ]);
  await must(['busctl', 'call', LOGIND, path, `${LOGIND}.Session`, method, 'b', String(on)]);
};

interface View {
  readonly reasons: readonly string[];
  readonly sessions: number | null;
  readonly available: boolean | null;
}
const view = async (): Promise<View> => (await ctl(['status'])).value['presence'] as View;
const LIMIT_MS = 10_000;
const held = async (reasons: string): Promise<boolean> =>
  (await until(async () => (await view()).reasons.join() === reasons, LIMIT_MS)) !== null;
const use = async (): Promise<string> => errorCode(await call('count_unread'));

let desk: Session;
t.before(async () => {
  const { asked } = await obtain(['mail:read'], 60);
  if (asked.status !== 0) throw new Error(JSON.stringify(asked.value));
});
t.teardown(() => sessions.forEach((one) => one.kill('SIGKILL')));

t.test('negative control: nobody has a session at a screen, and nothing is frozen by it; doctor says so', async (t) => {
  t.ok(await until(async () => (await view()).available === true, LIMIT_MS), 'logind answers');
  t.match(await view(), { reasons: [], sessions: 0 });
  t.equal(await use(), '');
  const ssh = await openSession(OPERATOR, '', 'tty');
  t.equal(await use(), '');
  t.equal((await view()).sessions, 0, 'a session over ssh is not watched');
  await ssh.end();
  t.match(
    JSON.stringify((await ctl(['doctor'], { user: 'root', env: { AIRLOCK_OPERATOR: OPERATOR } })).value),
    /nobody at a screen/,
  );
});

t.test('lock, idle and another session in front freeze; their end thaws', async (t) => {
  desk = await openSession(OPERATOR, 'seat0', 'x11');
  t.ok(await until(async () => (await view()).sessions === 1, LIMIT_MS), 'it is watched');
  t.equal(await use(), '', 'who is there is not frozen');
  for (const [method, reason] of [
    ['SetLockedHint', 'lock'],
    ['SetIdleHint', 'idle'],
  ] as const) {
    await tellLogind(desk.id, method, true);
    t.ok(await held(reason), reason);
    t.equal(await use(), 'LOCKED', reason);
    await tellLogind(desk.id, method, false);
    t.ok(await held(''), `${reason} is over`);
    t.equal(await use(), '');
  }
  const other = await openSession('bot2', 'seat0', 'x11');
  await must(['loginctl', 'activate', other.id]);
  t.ok(await held('switch'), 'another user has the seat');
  t.equal(await use(), 'LOCKED');
  await must(['loginctl', 'activate', desk.id]);
  t.ok(await held(''), 'and gives it back');
  await other.end();
  await must(['loginctl', 'lock-session', desk.id]);
  t.ok(await held('lock'), 'asked to lock, by whoever may');
  await must(['loginctl', 'unlock-session', desk.id]);
  t.ok(await held(''));
});

t.test('the agent cannot say that somebody is there', async (t) => {
  const probe =
    "require('net').connect('/run/airlock/presence.sock').on('error', (e) => console.log(e.code)).on('connect', () => console.log('open'))";
  for (const user of [AGENT, OPERATOR, 'airlock-gateway', 'airlock-export'])
    t.equal(
      await must(['/usr/lib/airlock/node', '-e', `${probe};setTimeout(() => process.exit(), 500)`], { user }),
      'EACCES',
      user,
    );
  await tellLogind(desk.id, 'SetLockedHint', true);
  t.ok(await held('lock'));
  t.not((await run(['loginctl', 'unlock-session', desk.id], { user: AGENT })).status, 0);
  await run(
    [
      'bash',
      '-c',
      `busctl emit /org/freedesktop/login1/session/_3${desk.id} ${LOGIND}.Session Unlock; busctl emit /org/freedesktop/login1 ${LOGIND}.Manager PrepareForSleep b false`,
    ],
    { user: AGENT },
  );
  t.equal(await use(), 'LOCKED');
  t.same((await view()).reasons, ['lock']);
});

t.test('PRESENCE-5: kill -9 of airlock-presence while frozen, and of airlock-totp: still frozen', async (t) => {
  for (const unit of ['airlock-presence', 'airlock-totp']) {
    const before = await mainPid(unit);
    await must(['kill', '-9', String(before)]);
    t.ok(await until(async () => ![0, before].includes(await mainPid(unit)), LIMIT_MS), `${unit} is started again`);
    t.ok(await until(async () => (await ctl(['status'])).status === 0 && (await view()).reasons.includes('lock'), LIMIT_MS));
    t.ok(await until(async () => (await use()) === 'LOCKED', LIMIT_MS), unit);
  }
  await must(['systemctl', 'stop', 'airlock-presence']);
  await tellLogind(desk.id, 'SetLockedHint', false);
  t.equal(await use(), 'LOCKED', 'what nobody sees thaws nothing');
  await must(['systemctl', 'start', 'airlock-presence']);
  t.ok(await held(''), 'seen again it is thawed');
});

t.test('PRESENCE-8: what sleeps waits for the freeze; a sleep that is over is found by the next start', async (t) => {
  t.equal(await must(['systemctl', 'is-enabled', 'airlock-sleep']), 'enabled');
  t.match(await must(['systemctl', 'show', '-p', 'After', 'sleep.target']), /airlock-sleep\.service/);
  // A container cannot suspend. A unit that stands where systemd-suspend.service does, behind sleep.target, says what it finds.
  const order = ['-p', 'Requires=sleep.target', '-p', 'After=sleep.target', '-p', `User=${OPERATOR}`];
  const found = await must([
    'systemd-run',
    '--quiet',
    '--wait',
    '--pipe',
    ...order,
    '/usr/local/bin/airlock-ctl',
    'status',
    '--json',
  ]);
  t.match((JSON.parse(found) as { frozen: string[] }).frozen, ['sleep'], 'frozen before it could have slept');
  t.equal(await use(), 'LOCKED');
  await must(['systemctl', 'restart', 'airlock-presence']);
  t.ok(await held(''), 'logind says that nothing sleeps');
});

t.test('logging out freezes, and a code ends it', async (t) => {
  await desk.end();
  t.ok(await held('switch'));
  t.equal(await use(), 'LOCKED');
  t.equal((await ctl(['unlock'], { input: `${await nextCode()}\n` })).status, 0);
  t.ok(await held(''));
  t.ok(await until(async () => (await use()) === '', LIMIT_MS));
});

t.test('negative control: with mode off a lock freezes nothing', async (t) => {
  const path = '/etc/airlock/airlock.yaml';
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, `${text}presence: {mode: "off"}\n`);
  await must(['systemctl', 'restart', 'airlock-totp', 'airlock-gateway', 'airlock-presence']);
  desk = await openSession(OPERATOR, 'seat0', 'x11');
  await tellLogind(desk.id, 'SetLockedHint', true);
  t.ok(await until(async () => (await use()) === '', LIMIT_MS));
  t.equal((await run(['systemctl', 'is-active', 'airlock-presence'])).stdout.trim(), 'inactive');
  await desk.end();
  writeFileSync(path, text);
  await must(['systemctl', 'restart', 'airlock-totp', 'airlock-gateway', 'airlock-presence']);
  t.ok(await until(async () => (await view()).available === true, LIMIT_MS));
});
