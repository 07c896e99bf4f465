// What `airlock-ctl approve` asks a person for: the code alone, or the match number first where another request could be meant.
import type { AccessRequestResult, AccessWaitResult } from '@airlock/protocol';
import { addMailbox, openSession, sit, startTestInstance } from '@airlock/testkit';
import t from 'tap';

const asked = { scopes: ['mail'], reason: 'a test' };

t.test('with two requests the match number is asked for, and a wrong one approves nothing', async (t) => {
  const running = await startTestInstance();
  t.teardown(() => running.stop());
  await addMailbox(running);
  const agent = await openSession(running);
  const first = await agent.call<AccessRequestResult>('access.request', asked);
  await agent.call<AccessRequestResult>('access.request', { ...asked, ttlS: 600 });
  const other = first.match === '11' ? '12' : '11';

  const bare = await running.command('airlock-ctl', ['approve', running.freshCode()]);
  t.equal(bare.status, 2);
  t.match(bare.stderr, /--match NN/, 'not at a terminal the hint names the flag');
  for (const [answer, what] of [
    ['', 'nothing'],
    ['1', 'one digit'],
    [other, 'another number'],
  ] as const) {
    const code = running.freshCode();
    const { status, screen } = await sit(
      running,
      ['approve'],
      [
        [/^match number/, answer],
        [/^code/, code],
      ],
    );
    t.not(status, 0, `${what} approves nothing`);
    t.match(screen, /"a test"/, 'the request stands above');
  }
  t.equal((await agent.call<AccessWaitResult>('access.wait', { request: first.request, timeoutS: 0 })).status, 'pending');

  const done = await sit(
    running,
    ['approve'],
    [
      [/^match number/, first.match],
      [/^code/, running.freshCode()],
    ],
  );
  t.equal(done.status, 0, done.screen);
  t.equal(done.screen.match(/Airlock request/g)?.length, 1, 'shown once');
  t.equal((await agent.call<AccessWaitResult>('access.wait', { request: first.request, timeoutS: 5 })).status, 'approved');
  agent.close();
});

t.test('with one request it is shown once, and the code is enough', async (t) => {
  const running = await startTestInstance();
  t.teardown(() => running.stop());
  await addMailbox(running);
  const agent = await openSession(running);
  await agent.call<AccessRequestResult>('access.request', asked);
  const prompts: string[] = [];
  const done = await sit(running, ['approve'], [[/^code/, running.freshCode()]], prompts);
  t.equal(done.status, 0, done.screen);
  t.same(prompts, ['code: ']);
  t.equal(done.screen.match(/Airlock request/g)?.length, 1);
  agent.close();
});
