// A story: an agent that knows nothing gets everything wrong, reads what each refusal says, and gets its answer.
import { addFixture, obtainLease, openSession, startWithFixture, type AgentSession, type Running } from '@airlock/testkit';
import type { CallResult, ErrorData, ServiceSummary } from '@airlock/protocol';
import t from 'tap';

let running: Running;
let agent: AgentSession;
t.before(async () => {
  running = await startWithFixture();
  await addFixture(running);
  agent = await openSession(running);
});
t.teardown(async () => {
  agent.close();
  await running.stop();
});

interface Wish {
  service: string;
  operation: string;
  params: Record<string, unknown>;
}

const dataOf = async (work: Promise<unknown>): Promise<ErrorData> => {
  try {
    await work;
  } catch (thrown) {
    return (thrown as { data: ErrorData }).data;
  }
  throw new Error('nothing was refused');
};

/** The letters two words share at their beginning. */
const likeness = (a: string, b: string): number => {
  let same = 0;
  while (same < a.length && a[same] === b[same]) same += 1;
  return same;
};
const nearest = (names: readonly string[], name: string): string =>
  names.toSorted((a, b) => likeness(b, name) - likeness(a, name))[0] ?? name;

/** The next attempt, made from nothing but what the refusal says. */
const correct = async (wish: Wish, { code, field = '', expected = '' }: ErrorData): Promise<Wish> => {
  if (code === 'SERVICE_UNKNOWN' || code === 'OPERATION_UNKNOWN') {
    const services = await agent.call<ServiceSummary[]>('services.list');
    const service = nearest(
      services.map((one) => one.service),
      wish.service,
    );
    const names = services.find((one) => one.service === service)?.operations.map(({ name }) => name) ?? [];
    return { ...wish, service, operation: code === 'OPERATION_UNKNOWN' ? nearest(names, wish.operation) : wish.operation };
  }
  const name = field.replace('params.', '');
  const { [name]: value, ...others } = wish.params;
  if (expected.startsWith('no such field')) return { ...wish, params: others };
  if (expected === 'string') return { ...wish, params: { ...others, [name]: String(value) } };
  const [, most] = /at most (\d+) characters/.exec(expected) ?? [];
  if (most !== undefined) return { ...wish, params: { ...others, [name]: String(value).slice(0, Number(most)) } };
  throw new Error(`no way on from ${code} ${field} ${expected}`);
};

t.test('it asks for too much and is told what to ask for', async (t) => {
  const refused = await dataOf(agent.call('access.request', { scopes: ['fixture:write'], reason: 'to say hello' }));
  t.match(refused, { code: 'READ_ONLY', hint: /ask for .*read/, retry: 'with-change' });
});

t.test('it names service, operation and arguments wrongly, and corrects one after the other', async (t) => {
  const { lease } = await obtainLease(running, agent, ['fixture:read']);
  let wish: Wish = { service: 'fixtures', operation: 'echoes', params: { text: 7, colour: 'red', loud: true } };
  const codes: string[] = [];
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const answer = await agent
      .call<CallResult>('call', { lease, ...wish })
      .catch((thrown: unknown) => (thrown as { data: ErrorData }).data);
    if ('result' in answer) {
      t.match(answer.result, { text: '7' });
      break;
    }
    codes.push(answer.code);
    t.ok(answer.hint.length > 10 && answer.retry === 'with-change', `${answer.code} says what to do: ${answer.hint}`);
    if (answer.code === 'PARAMS_INVALID')
      t.ok(answer.field !== undefined && answer.expected !== undefined && answer.found !== undefined);
    wish = await correct(wish, answer);
  }
  t.same(
    codes,
    ['SERVICE_UNKNOWN', 'OPERATION_UNKNOWN', 'PARAMS_INVALID', 'PARAMS_INVALID', 'PARAMS_INVALID'],
    'one step for each mistake, none twice',
  );
  t.same(wish, { service: 'fixture', operation: 'echo', params: { text: '7' } });
});

t.test('what is too long says how long it may be', async (t) => {
  const { lease } = await obtainLease(running, agent, ['fixture:read']);
  const wish: Wish = { service: 'fixture', operation: 'echo', params: { text: 'x'.repeat(1500) } };
  const refused = await dataOf(agent.call('call', { lease, ...wish }));
  t.match(refused, { code: 'PARAMS_INVALID', field: 'params.text', expected: /at most 1000 characters/ });
  t.notOk(JSON.stringify(refused).includes('x'.repeat(200)), 'and does not send it all back');
  t.match(await agent.call('call', { lease, ...(await correct(wish, refused)) }), { result: { text: /^x{1000}$/ } });
});
