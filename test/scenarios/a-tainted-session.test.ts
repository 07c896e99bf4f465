// A story: an agent that reads mail is given a letter that may give it orders. From then on whatever it sends out needs a code.
import {
  addMailbox,
  approveFront,
  daemonOf,
  obtainLease,
  openSession,
  refusalOf,
  startTestInstance,
  startWeatherDouble,
  untilServing,
  type AgentSession,
  type Running,
  type WeatherDouble,
} from '@airlock/testkit';
import type { AccessStatus, AirlockError, CallResult, SessionList } from '@airlock/protocol';
import t from 'tap';

const HOUR_MS = 3_600_000;
/** Fractions, as places have them: the human reads them, and the code is good for them only. */
const VIENNA = { latitude: 48.2082, longitude: 16.3738, hours: 2 };

let running: Running;
let weather: WeatherDouble;
let agent: AgentSession;
let lease: string;
t.before(async () => {
  weather = await startWeatherDouble();
  running = await startTestInstance({ cells: 6 });
  await addMailbox(running);
  const added = await running.command(
    'airlock-ctl',
    ['service', 'add', 'open-meteo', '--name', 'weather', '--set', `origin=${weather.origin}`, '--json'],
    { stdin: `${running.freshCode()}\n` },
  );
  if (added.status !== 0) throw new Error(added.stdout + added.stderr);
  agent = await openSession(running);
  ({ lease } = await obtainLease(running, agent, ['mail:read', 'weather:read'], { ttlS: 28_800 }));
});
t.teardown(async () => {
  agent.close();
  await running.stop();
  await weather.close();
});

const call = (who: AgentSession, text: string, service: string, operation: string, params: object = {}): Promise<CallResult> =>
  who.call<CallResult>('call', { lease: text, service, operation, params });
const forecast = (who: AgentSession, text: string): Promise<CallResult> => call(who, text, 'weather', 'weather_hourly', VIENNA);
const pendingOf = async (promise: Promise<unknown>): Promise<AirlockError> => {
  try {
    await promise;
  } catch (thrown) {
    return thrown as AirlockError;
  }
  throw new Error('it needed no code');
};
/** The human says no to what waits; a role is let ask again a minute later. */
const denyAll = async (): Promise<void> => {
  await running.command('airlock-ctl', ['deny', '--all', '--json']);
  running.clock.advance(120_000);
};
const asked = (): number => weather.asked.length;

t.test('it counts its unread mail: nothing of that was written by others', async (t) => {
  await call(agent, lease, 'mail', 'count_unread');
  t.equal((await agent.call<AccessStatus>('access.status')).taint, null);
});

t.test('it reads a letter, and status says what that means', async (t) => {
  await call(agent, lease, 'mail', 'list_messages', { limit: 1 });
  t.match((await agent.call<AccessStatus>('access.status')).taint, { service: 'mail', operation: 'list_messages' });
  await call(agent, lease, 'mail', 'list_messages', { limit: 3 });
  const told = await running.command('airlock', ['status']);
  t.match(told.stdout, /tainted: mail list_messages gave it what others wrote/);
  const { json } = await running.command('airlock-ctl', ['sessions', '--json']);
  const { sessions } = json as SessionList;
  t.match(
    sessions.find(({ session }) => session === agent.hello.session),
    { taint: { service: 'mail' }, leases: 1 },
  );
});

t.test('TAINT-6: asking the weather at a place sends the place out: it needs a code, which is good for this place', async (t) => {
  const before = asked();
  const pending = await pendingOf(forecast(agent, lease));
  t.equal(pending.code, 'APPROVAL_PENDING');
  t.equal(asked(), before, 'nothing was sent');
  const shown = await running.command('airlock-ctl', ['pending']);
  t.match(shown.stdout, /do +weather:weather_hourly, once/);
  t.match(shown.stdout, /latitude = 48\.2082/);
  await approveFront(running);
  await agent.call('access.wait', { request: pending.data.request, timeoutS: 10 });
  let outcome: CallResult | null = null;
  while (outcome === null)
    outcome = await agent.call<CallResult>('call.result', { request: pending.data.request }).catch(() => null);
  t.match(outcome.result, { hours: { length: 2 } });
  t.equal(asked(), before + 1);
  t.equal((await pendingOf(forecast(agent, lease))).code, 'APPROVAL_PENDING', 'and the next one needs another');
  await denyAll();
});

t.test('TAINT-2, TAINT-4: neither a killed gateway nor a new session makes it clean', async (t) => {
  process.kill(await daemonOf(running, 'airlock-gateway'), 'SIGKILL');
  await untilServing(running);
  const again = await openSession(running, { resume: agent.hello.resume });
  t.equal((await pendingOf(forecast(again, lease))).code, 'APPROVAL_PENDING');
  await denyAll();
  again.close();
  const fresh = await openSession(running);
  t.match((await fresh.call<AccessStatus>('access.status')).taint, { service: 'weather' }, 'what its role was given last');
  fresh.close();
});

t.test('TAINT-3: an hour later a new session is clean, but not by claiming what was granted', async (t) => {
  running.clock.advance(HOUR_MS + 1000);
  const clean = await openSession(running);
  const own = await obtainLease(running, clean, ['weather:read']);
  t.equal(await refusalOf(forecast(clean, own.lease)), null, 'negative control: a human looked at this one');
  const claiming = await openSession(running, {});
  running.clock.advance(HOUR_MS + 1000);
  const late = await openSession(running);
  t.equal((await late.call<AccessStatus>('access.status')).taint, null);
  const granted = await running.command('airlock-ctl', ['grant', 'default', 'weather:read', '--json'], {
    stdin: `${running.freshCode()}\n`,
  });
  t.equal(granted.status, 0, granted.stdout + granted.stderr);
  const { grants } = await late.call<AccessStatus>('access.status');
  await late.call('access.claim', { grant: grants[0]?.id });
  t.not((await late.call<AccessStatus>('access.status')).taint, null);
  for (const one of [clean, claiming, late]) one.close();
});
