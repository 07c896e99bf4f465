// The text that was shown is not the text of the request: a shadowed screen, an old display, another channel's wording.
import type { Connection } from '@airlock/ipc';
import { sha256Hex, type AccessRequestResult, type ApproveStatus } from '@airlock/protocol';
import { addMailbox, openSession, refusalOf, startTestInstance, type AgentSession, type Running } from '@airlock/testkit';
import t from 'tap';
import { ask, connectTo, frontOf, goodCode, pendingOn, submissionFor } from './support/house.js';

let running: Running;
let operator: Connection;
let agent: AgentSession;
t.before(async () => {
  running = await startTestInstance({ cells: 1 });
  await addMailbox(running);
  operator = await connectTo(running, 'approve/default');
  agent = await openSession(running);
});
t.teardown(async () => {
  operator.close();
  agent.close();
  await running.stop();
});

t.test('QUEUE-2: a digest of anything else is refused before the code is looked at, and burns nothing', async (t) => {
  await agent.call<AccessRequestResult>('access.request', { scopes: ['mail:read'], reason: 'read my mail', ttlS: 600 });
  await agent.call<AccessRequestResult>('access.request', { scopes: ['mail:read'], reason: 'read one mail', ttlS: 60 });
  const shown = await frontOf(operator);
  const [other] = (await pendingOn(operator)).waiting;
  const code = await goodCode(running, operator);
  t.equal(sha256Hex(shown.text), shown.digest, 'what is shown is what is digested');
  const phone = shown.text
    .split('\n')
    .filter((line) => !line.startsWith('  match'))
    .join('\n');
  const texts = {
    'the text of the request behind it': other?.digest,
    'as a phone shows it, without the match number': sha256Hex(phone),
    'a milder reason': sha256Hex(shown.text.replace('read my mail', 'read one mail')),
    'less time': sha256Hex(shown.text.replace('10 min', '1 min')),
    'another request id': sha256Hex(shown.text.replace(shown.id, other?.id ?? '')),
    'a line feed at the end': sha256Hex(`${shown.text}\n`),
    'CR LF': sha256Hex(shown.text.replaceAll('\n', '\r\n')),
    nothing: sha256Hex(''),
    'upper case': shown.digest.toUpperCase(),
    'half of it': shown.digest.slice(0, 32),
    zeros: '0'.repeat(64),
  };
  for (const [what, digest] of Object.entries(texts))
    t.equal(await refusalOf(ask(operator, 'request.approve', { ...submissionFor(shown, code), digest })), 'PARAMS_INVALID', what);
  t.equal(
    await refusalOf(ask(operator, 'request.approve', { request: shown.id, match: shown.match, code })),
    'PARAMS_INVALID',
    'none at all',
  );
  const status = await ask<ApproveStatus>(operator, 'status');
  t.same([status.leases, status.queue, status.lockout.terminal.triesLeft], [0, 2, 10], 'nothing approved, counted or moved');

  const wrong = await refusalOf(ask(operator, 'request.approve', { ...submissionFor(shown, '000000'), digest: '0'.repeat(64) }));
  t.equal(wrong, 'PARAMS_INVALID', 'a wrong code makes no difference: it is no oracle');
  t.equal((await ask<ApproveStatus>(operator, 'status')).lockout.terminal.triesLeft, 10);

  const approved = await ask<{ lease?: object }>(operator, 'request.approve', submissionFor(await frontOf(operator), code));
  t.ok(approved.lease, 'negative control: the very same code with the digest of the text approves');
});

t.test('the digest of a request that left is worth nothing for its twin', async (t) => {
  running.clock.advance(3_600_000);
  const twin = { scopes: ['mail:read'], reason: 'twin', ttlS: 600 };
  await agent.call<AccessRequestResult>('access.request', twin);
  const old = await frontOf(operator);
  await ask(operator, 'request.deny');
  running.clock.advance(60_000);
  await agent.call<AccessRequestResult>('access.request', twin);
  const shown = await frontOf(operator);
  t.not(shown.digest, old.digest, 'id and match number are in the text');
  const code = await goodCode(running, operator);
  t.equal(
    await refusalOf(ask(operator, 'request.approve', { ...submissionFor(shown, code), digest: old.digest })),
    'PARAMS_INVALID',
  );
  t.equal(await refusalOf(ask(operator, 'request.approve', submissionFor(shown, code))), null, 'negative control');
});
