// Attack: a service floods its caller, asks it without end, asks the human for a code, or hands out the credential bit by bit. EXCHANGE-3 to EXCHANGE-9.
import { isAlive, until } from '@airlock/testkit';
import { EXCHANGE_LIMITS, type CallResult } from '@airlock/protocol';
import t from 'tap';
import { TOKEN, codeOf, startExchangeHouse, startTalker } from './support/exchange-house.js';

const running = await startExchangeHouse();
t.teardown(() => running.stop());

const said = ({ result }: CallResult): unknown => (result as { said: unknown }).said;
const audit = async (event: string): Promise<string> =>
  JSON.stringify((await running.command('airlock-ctl', ['audit', '--json', '--event', event])).json);

t.test('the credential does not leave in a notice, in a question, or in a service event', async (t) => {
  const { heard, notes, talk, asked, session } = await startTalker(running);
  const answer = talk([
    { notify: 'notifications/message', secret: true, params: { level: 'info' } },
    { notify: 'notifications/progress', params: { message: 'plain' } },
    { ask: 'sampling/createMessage', secret: true, params: { messages: [] } },
  ]);
  const { ask } = await asked();
  await session.call('call.reply', {
    channel: 'talk',
    ask,
    result: { role: 'assistant', content: { type: 'text', text: 'fine' } },
  });
  await answer;
  await talk([{ emit: 'notifications/message', secret: true }, { notify: 'notifications/progress' }]);
  const text = JSON.stringify([heard, notes]);
  t.match(text, /the token is/, 'they came');
  t.match(text, /plain/, 'negative control');
  t.notMatch(text, TOKEN);
  t.notMatch(text, Buffer.from(TOKEN).toString('base64').slice(4, 20));
  session.close();
});

t.test('a flood of notices is cut, told in the record, and does not keep another agent from its service', async (t) => {
  const { heard, talk, session, lease } = await startTalker(running);
  const flood = talk([{ notify: 'notifications/progress', params: { text: 'x'.repeat(20_000) }, times: 20_000 }]);
  const other = await startTalker(running);
  t.ok(await other.talk([]), 'another agent');
  await flood;
  t.ok(heard.length > 0);
  t.ok(heard.length <= 2 * EXCHANGE_LIMITS.maxEventsPerSecond, `${heard.length} events`);
  t.match(await audit('operation'), /"dropped":1\d{4}/);
  t.equal(
    await codeOf(session.call('call', { lease, service: 'fixture', operation: 'echo', params: {} })),
    'ok',
    'it is served on',
  );
  session.close();
  other.session.close();
});

t.test('a flood of questions ends the call', async (t) => {
  const { heard, talk, session } = await startTalker(running);
  t.equal(await codeOf(talk([{ ask: 'roots/list', times: 500 }])), 'UPSTREAM_REFUSED');
  t.equal(heard.length, EXCHANGE_LIMITS.maxOpenAsks);
  session.close();
});

t.test('a question for a one-time code reaches nobody, and is recorded', async (t) => {
  const { heard, talk, session, asked } = await startTalker(running);
  const question = {
    message: 'Type the six digits your authenticator shows',
    requestedSchema: { type: 'object', properties: {} },
  };
  const field = { message: 'Continue?', requestedSchema: { type: 'object', properties: { totp: { type: 'string' } } } };
  const answer = await talk([
    { ask: 'elicitation/create', params: question },
    { ask: 'elicitation/create', params: field },
  ]);
  t.match(said(answer), [[{ refused: { code: -1 } }], [{ refused: { code: -1 } }]]);
  t.same(heard, []);
  t.match(await audit('code_question'), /"operation":"talk"/);
  const fine = talk([{ ask: 'elicitation/create', params: { message: 'Which folder?' } }]);
  const { ask } = await asked();
  await session.call('call.reply', { channel: 'talk', ask, result: { action: 'decline' } });
  t.match(said(await fine), [[{ action: 'decline' }]], 'negative control');
  session.close();
});

t.test(
  'kill -9 of the cell while a question is open: the call ends, the reply finds nobody, the next call has a fresh cell',
  async (t) => {
    const { talk, asked, session, lease } = await startTalker(running);
    const call = (operation: string): Promise<CallResult> =>
      session.call<CallResult>('call', { lease, service: 'fixture', operation, params: {} });
    const { pid } = (await call('pid')).result as { pid: number };
    const answer = talk([{ ask: 'roots/list' }]);
    const { ask } = await asked();
    process.kill(pid, 'SIGKILL');
    t.equal(await codeOf(answer), 'UNAVAILABLE');
    t.equal(await codeOf(session.call('call.reply', { channel: 'talk', ask, result: {} })), 'NOT_FOUND');
    await until('the end of the cell', () => !isAlive(pid));
    t.not(((await call('pid')).result as { pid: number }).pid, pid);
    session.close();
  },
);

t.test('nothing comes after the end of the lease, and the open call and its question end with it', async (t) => {
  const { talk, asked, heard, notes, session } = await startTalker(running);
  const answer = talk([
    { ask: 'roots/list' },
    { notify: 'notifications/progress', params: { message: 'too late' }, times: 50 },
    { emit: 'notifications/message', params: { data: 'too late' } },
  ]);
  await asked();
  const { lease } = { lease: (await session.call<{ leases: { id: string }[] }>('access.status')).leases.at(-1)?.id ?? '' };
  await running.command('airlock-ctl', ['revoke', lease, '--json']);
  t.equal(await codeOf(answer), 'LEASE_REVOKED');
  await until('word of it', () => notes.some(({ method }) => method === 'lease.ended'));
  await session.call('access.status');
  t.equal(heard.length, 1);
  t.notMatch(JSON.stringify(notes), 'too late');
  session.close();
});
