// An agent places its request where the operator expects an action of their own, or the other way round.
import type { Connection } from '@airlock/ipc';
import type { AccessRequestResult, ActionOpenResult, ApproveStatus } from '@airlock/protocol';
import { addMailbox, openSession, refusalOf, startTestInstance, type AgentSession, type Running } from '@airlock/testkit';
import t from 'tap';
import { ask, connectTo, frontOf, goodCode, pendingOn, submissionFor, submit } from './support/house.js';

let running: Running;
let operator: Connection;
t.before(async () => {
  running = await startTestInstance({ cells: 1 });
  await addMailbox(running);
  operator = await connectTo(running, 'approve/default');
});
t.teardown(async () => {
  operator.close();
  await running.stop();
});

const leases = async (): Promise<number> => (await ask<ApproveStatus>(operator, 'status')).leases;
const request = async (agent: AgentSession): Promise<string> =>
  (await agent.call<AccessRequestResult>('access.request', { scopes: ['mail:read'], reason: 'unlock: leases work again' }))
    .request;
const openAction = (): Promise<ActionOpenResult> =>
  ask<ActionOpenResult>(operator, 'action.open', { verb: 'service.test', params: { service: 'mail' } });

t.test('an agent was first: the action waits behind it, and its code does not approve the agent', async (t) => {
  const agent = await openSession(running);
  const asked = await request(agent);
  const { request: action, position } = await openAction();
  t.equal(position, 1, 'QUEUE-1: the front stays');
  const shown = await frontOf(operator);
  t.equal(shown.id, asked);
  t.match(shown.text, /^Airlock request /, 'the front says that it is an agent’s');

  const code = await goodCode(running, operator);
  const wrongText = { ...submissionFor(shown, code), digest: action.digest, match: action.match };
  t.equal(
    await refusalOf(ask(operator, 'request.approve', wrongText)),
    'PARAMS_INVALID',
    'text of the action, id of the agent’s',
  );
  const wrongMatch = { ...submissionFor(shown, code), match: action.match };
  t.equal(await refusalOf(ask(operator, 'request.approve', wrongMatch)), 'PARAMS_INVALID', 'match number of the action');
  const bare = { request: shown.id, digest: shown.digest, code };
  t.equal(await refusalOf(ask(operator, 'request.approve', bare)), 'PARAMS_INVALID', 'QUEUE-6: no bare code while two wait');
  t.equal(await leases(), 0);

  const named = { request: action.id, digest: action.digest, match: action.match, code };
  t.equal(await refusalOf(ask(operator, 'request.approve', named)), 'PARAMS_INVALID', 'QUEUE-3: the action is not in front');
  t.equal(await refusalOf(submit(operator, shown, code)), 'CODE_REJECTED', 'and the code is burnt, not left for the agent');
  t.equal(await leases(), 0);

  running.clock.advance(30_000);
  const honest = await goodCode(running, operator);
  t.ok((await submit(operator, await frontOf(operator), honest)).lease, 'negative control: the agent’s request, meant and named');
  await ask(operator, 'request.deny', { all: true });
  agent.close();
});

t.test('airlock-ctl sends no code typed for an action while something else is in front', async (t) => {
  running.clock.advance(3_600_000);
  const agent = await openSession(running);
  await request(agent);
  const code = await goodCode(running, operator);
  const before = await leases();
  const result = await running.command('airlock-ctl', ['service', 'test', 'mail', '--json'], { stdin: `${code}\n` });
  t.equal(result.status, 4, result.stdout);
  t.match(result.json, { error: { code: 'APPROVAL_PENDING' } });
  t.equal(await leases(), before);
  t.ok(
    (await submit(operator, await frontOf(operator), code)).lease,
    'negative control: that code was not sent, so it is still good',
  );
  agent.close();
});

t.test('an action is in front: no request of an agent displaces it, outruns it or looks like it', async (t) => {
  running.clock.advance(3_600_000);
  const agent = await openSession(running);
  const { request: action } = await openAction();
  const asked = await request(agent);
  const later = await openAction();
  t.equal(later.position, 1, 'QUEUE-7: the operator’s second action goes before the agent');
  const { front, waiting } = await pendingOn(operator);
  t.equal(front?.id, action.id);
  t.same(
    waiting.map(({ id }) => id),
    [later.request.id, asked],
  );
  t.match(front?.text, /^Airlock action r-\w{10}\n\n {2}you {6}operator "default"\n/);

  const code = await goodCode(running, operator);
  const before = await leases();
  const [, request2] = waiting;
  const swapped = { request: asked, digest: request2?.digest, match: request2?.match, code };
  t.equal(await refusalOf(ask(operator, 'request.approve', swapped)), 'PARAMS_INVALID', 'the agent’s request named');
  t.equal(await leases(), before);
  running.clock.advance(30_000);
  const shown = await frontOf(operator);
  t.ok((await submit(operator, shown, await goodCode(running, operator))).ticket, 'negative control: the action itself');
  agent.close();
});
