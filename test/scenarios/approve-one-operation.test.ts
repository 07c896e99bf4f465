// One operation that writes: asked for, shown with every parameter, approved by a code of its own, run once.
import {
  addFixture,
  approveFront,
  obtainLease,
  openSession,
  refusalOf,
  startWithFixture,
  startTestInstance,
  startDeliveries,
  until,
  type AgentSession,
  type Deliveries,
  type Running,
} from '@airlock/testkit';
import type { AirlockError, CallResult } from '@airlock/protocol';
import t from 'tap';

let running: Running;
let deliveries: Deliveries;
let agent: AgentSession;
let lease: string;
t.before(async () => {
  deliveries = await startDeliveries();
  running = await startWithFixture({ cells: 6, yaml: 'permissions:\n  allow: [write]\n' });
  await addFixture(running, { port: deliveries.port });
  agent = await openSession(running);
  ({ lease } = await obtainLease(running, agent, ['fixture:write', 'fixture:read']));
});
t.teardown(async () => {
  agent.close();
  await running.stop();
  await deliveries.close();
});

const deliver = (text: string): Promise<CallResult> =>
  agent.call<CallResult>('call', { lease, service: 'fixture', operation: 'deliver', params: { text, to: 'ada@example.org' } });
const pendingOf = async (promise: Promise<unknown>): Promise<AirlockError> => {
  try {
    await promise;
  } catch (thrown) {
    return thrown as AirlockError;
  }
  throw new Error('it was not refused');
};

t.test('the human reads every parameter, and one code runs it once', async (t) => {
  const pending = await pendingOf(deliver('Hello Ada,\nsee you.'));
  t.match(pending, { code: 'APPROVAL_PENDING', data: { request: /^r-/, retryAfterMs: 5000 } });
  const request = pending.data.request ?? '';
  const shown = await running.command('airlock-ctl', ['pending']);
  t.match(shown.stdout, /do +fixture:deliver, once/);
  t.match(shown.stdout, /text, line 1 of 2 = "Hello Ada,"/);
  t.match(shown.stdout, /to = "ada@example.org"/);
  t.equal(deliveries.lines.length, 0, 'nothing before the code');
  await approveFront(running);
  t.match(await agent.call('access.wait', { request, timeoutS: 10 }), { status: 'approved' });
  const outcome = await until('the outcome', () => agent.call<CallResult>('call.result', { request }).catch(() => null));
  t.match(outcome, { result: { delivered: true }, meta: { masked: 0 } });
  t.same(deliveries.lines, ['Hello Ada,', 'see you.']);
  const audit = await running.command('airlock-ctl', ['audit', '--json']);
  const events = (audit.json as { event: string; request?: string }[]).filter((one) => one.request === request);
  for (const event of ['operation_approved', 'operation_taken', 'operation_allowed', 'operation'])
    t.ok(
      events.some((one) => one.event === event),
      event,
    );
});

t.test('a denial reaches the agent with its reason', async (t) => {
  const { data } = await pendingOf(deliver('denied'));
  const before = deliveries.lines.length;
  const { status } = await running.command('airlock-ctl', ['deny', data.request ?? '', '--reason', 'not to Ada', '--json']);
  t.equal(status, 0);
  t.match(await agent.call('access.wait', { request: data.request, timeoutS: 10 }), { status: 'denied' });
  t.match(await pendingOf(agent.call('call.result', { request: data.request })), {
    code: 'APPROVAL_DENIED',
    message: /not to Ada/,
  });
  t.equal(deliveries.lines.length, before);
  running.clock.advance(90_000);
});

t.test(
  'a service that refuses, and one that hangs up: the one says that nothing happened, the other that nobody knows',
  async (t) => {
    const outcome = async (text: string): Promise<string | null> => {
      const { data } = await pendingOf(deliver(text));
      await approveFront(running);
      return until('the outcome', async () => {
        const code = await refusalOf(agent.call('call.result', { request: data.request }));
        return code === 'APPROVAL_PENDING' ? null : code;
      });
    };
    t.equal(await outcome('refuse'), 'UPSTREAM_REFUSED');
    t.equal(await outcome('hang-up'), 'OUTCOME_UNKNOWN');
  },
);

t.test('airlock call --wait stays until the outcome; airlock result fetches it later', async (t) => {
  const args = ['request', 'fixture:write', '--reason', 'a test', '--json'];
  const asked = (await running.command('airlock', args)).json as { request: string };
  await approveFront(running);
  t.equal((await running.command('airlock', ['wait', asked.request, '--json'])).status, 0);
  const call = ['call', 'fixture', 'deliver', '-p', '{"text":"from the command"}', '--json'];
  const pending = await running.command('airlock', call);
  t.equal(pending.status, 4);
  const { error } = pending.json as { error: { request: string; hint: string } };
  t.match(error.hint, new RegExp(`airlock result ${error.request}`));
  const waiting = running.command('airlock', [...call, '--wait']);
  await approveFront(running);
  t.match((await waiting).json, { result: { delivered: true } }, 'the same request, as it was the same call');
  t.match((await running.command('airlock', ['result', error.request, '--json'])).json, { result: { delivered: true } });
  t.equal(deliveries.lines.filter((line) => line === 'from the command').length, 1);
  const human = await running.command('airlock', ['result', error.request]);
  t.match(human.stdout, /"delivered": true/);
});

t.test('without permissions.allow nothing that writes can even be asked for', async (t) => {
  const strict = await startTestInstance();
  try {
    const session = await openSession(strict);
    const refusal = await pendingOf(session.call('access.request', { scopes: ['mail:write'], reason: 'a test' }));
    t.match(refusal.code, /READ_ONLY|SERVICE_UNKNOWN/);
    session.close();
  } finally {
    await strict.stop();
  }
});
