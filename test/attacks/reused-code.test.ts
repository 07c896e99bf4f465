// A code that was used once is tried again: at once, for another request, for an action, over the command, after a kill.
import { openSession, refusalOf, startTestInstance, type Running } from '@airlock/testkit';
import type { AccessRequestResult, ApproveStatus } from '@airlock/protocol';
import t from 'tap';
import {
  ask,
  approveShown,
  codeNow,
  connectTo,
  frontOf,
  goodCode,
  killHard,
  submit,
  until,
  untilServing,
} from './support/house.js';
import { addService, maildir } from './support/service.js';
import { emptyState, enqueue, give, requestNamed } from './support/queue.js';

let running: Running;
t.before(async () => {
  running = await startTestInstance({ cells: 1 });
});
t.teardown(() => running.stop());

t.test('QUEUE-4: a used code approves nothing more, wherever and whenever it is given again', async (t) => {
  const operator = await connectTo(running, 'approve/default');
  // Actions need no service to ask for, so one link opens everything that is to be approved.
  const open = (): Promise<unknown> => ask(operator, 'action.open', { verb: 'service.remove', params: { service: 'mail' } });
  await open();
  const shown = await frontOf(operator);
  const code = await goodCode(running, operator);
  t.ok((await submit(operator, shown, code)).ticket, 'the first use approves');

  t.equal(await refusalOf(submit(operator, shown, code)), 'CODE_REJECTED', 'for the same request');
  await open();
  const second = await frontOf(operator);
  t.equal(await refusalOf(submit(operator, second, code)), 'CODE_REJECTED', 'for another request');
  t.equal(await refusalOf(submit(operator, second, codeNow(running, -1))), 'CODE_REJECTED', 'the one before it is spent with it');
  const command = await running.command('airlock-ctl', [
    'approve',
    code,
    '--request',
    second.id,
    '--match',
    second.match,
    '--json',
  ]);
  t.equal(command.status, 4);
  t.match(command.json, { error: { code: 'CODE_REJECTED' } });

  running.clock.advance(30_000);
  t.equal(await refusalOf(submit(operator, second, code)), 'CODE_REJECTED', 'inside the window of the next step');
  await approveShown(running, operator);
  t.equal(
    (await ask<ApproveStatus>(operator, 'status')).queue,
    0,
    'negative control: a fresh code approves the very same request',
  );
  operator.close();
});

t.test('QUEUE-4: the burn is durable before the answer: kill -9 brings no code back', async (t) => {
  const before = await connectTo(running, 'approve/default');
  await ask(before, 'action.open', { verb: 'service.remove', params: { service: 'mail' } });
  const code = await goodCode(running, before);
  await submit(before, await frontOf(before), code);
  await killHard(running.pids.totp);
  await untilServing(running);

  const after = await connectTo(running, 'approve/default');
  await ask(after, 'action.open', { verb: 'service.remove', params: { service: 'mail' } });
  const shown = await frontOf(after);
  t.equal(await refusalOf(submit(after, shown, code)), 'CODE_REJECTED');
  running.clock.advance(30_000);
  t.ok((await submit(after, shown, codeNow(running))).ticket, 'negative control: the next code approves it');
  after.close();
});

t.test('an agent that saw the code typed cannot have its own request approved by it', async (t) => {
  const agent = await openSession(running);
  const operator = await connectTo(running, 'approve/default');
  await ask(operator, 'action.open', { verb: 'service.add', params: maildir(running) });
  const { ticket } = await approveShown(running, operator);
  const code = codeNow(running);
  t.equal(await refusalOf(addService(running, operator, ticket ?? '')), null);
  const { request } = await agent.call<AccessRequestResult>('access.request', { scopes: ['mail:read'], reason: 'again' });
  const shown = await until(
    () => frontOf(operator),
    ({ id }) => id === request,
  );
  t.equal(await refusalOf(submit(operator, shown, code)), 'CODE_REJECTED');
  t.same((await ask<ApproveStatus>(operator, 'status')).leases, 0);
  agent.close();
  operator.close();
});

t.test('negative control: a queue that forgets what it burnt approves twice with one code', (t) => {
  const first = requestNamed('first', '11');
  const second = requestNamed('second', '22');
  const state = enqueue(emptyState('boot'), first);
  t.equal(give(state, first, 100, 100).verdict.kind, 'approved');
  const forgetful = enqueue(emptyState('boot'), second);
  t.equal(give(forgetful, second, 100, 100).verdict.kind, 'approved');
  const kept = { ...forgetful, lastStep: 100 };
  t.equal(give(kept, second, 100, 100).verdict.kind, 'code');
  t.end();
});
