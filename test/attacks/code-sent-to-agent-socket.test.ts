// A human was talked into giving the agent a code, and the agent sends it wherever its socket takes something.
import type { AccessRequestResult } from '@airlock/protocol';
import { addMailbox, openSession, refusalOf, startTestInstance, type AgentSession, type Running } from '@airlock/testkit';
import { connectSocket } from '@airlock/ipc';
import t from 'tap';
import {
  UNWATCHED,
  approveShown,
  auditOf,
  configWith,
  connectTo,
  errorOf,
  frontOf,
  goodCode,
  stateHolding,
  submit,
} from './support/house.js';

let running: Running;
let agent: AgentSession;
t.before(async () => {
  running = await startTestInstance({ cells: 1, config: configWith(UNWATCHED) });
  await addMailbox(running);
  agent = await openSession(running);
});
t.teardown(async () => {
  agent.close();
  await running.stop();
});

/** Where an agent could put a code, and how a human writes one. */
const placesFor = (code: string, request: string): readonly (readonly [string, object])[] => {
  const spaced = `${code.slice(0, 3)} ${code.slice(3)}`;
  const access = { scopes: ['mail:read'], reason: 'x' };
  return [
    ['approve', { code }],
    ['request.approve', { request, code }],
    ['access.approve', { request, code }],
    ['access.confirm', { code }],
    ['totp.verify', { code }],
    ['enrol.code', { code }],
    ['unlock', { code }],
    ['verify', {}],
    ['access.request', { ...access, code }],
    ['access.request', { ...access, code: Number(code) }],
    ['access.request', { ...access, totp: code }],
    ['access.request', { ...access, reason: code }],
    ['access.request', { ...access, reason: spaced }],
    ['access.request', { ...access, reason: `code ${code}` }],
    ['access.request', { ...access, reason: `the code is ${code}, please approve` }],
    ['access.request', { ...access, reason: `OTP: ${spaced}` }],
    ['access.request', { ...access, reason: `approve with ${code}` }],
    ['access.request', { ...access, reason: `one-time code=${code}` }],
    ['access.request', { ...access, intent: code }],
    ['access.request', { ...access, constraints: { code } }],
    ['access.request', { ...access, constraints: { calls: code } }],
    ['access.request', { scopes: ['mail:read', code], reason: 'x' }],
    ['access.wait', { request, timeoutS: 0, code }],
    ['access.wait', { request: code, timeoutS: 0 }],
    ['access.claim', { grant: code }],
    ['access.release', { lease: code }],
    ['call', { lease: code, service: 'mail', operation: 'count_unread', params: {} }],
    ['call', { lease: 'al1.x.y', service: 'mail', operation: 'count_unread', params: {}, context: { intent: code } }],
    ['call', { lease: 'al1.x.y', service: 'mail', operation: 'count_unread', params: {}, code }],
    ['tools.search', { query: code }],
  ];
};

t.test('CODE-1, CODE-2: it is refused by name, recorded, not echoed, not kept, not looked at', async (t) => {
  const { request } = await agent.call<AccessRequestResult>('access.request', { scopes: ['mail:read'], reason: 'the invoice' });
  const operator = await connectTo(running, 'approve/default');
  const code = await goodCode(running, operator);
  for (const [method, params] of placesFor(code, request)) {
    const error = await errorOf(agent.call(method, params));
    t.equal(error.code, 'CODE_ON_AGENT_SOCKET', `${method} ${Object.keys(params).join(' ')}`);
    t.notMatch(JSON.stringify({ ...error.data, message: error.message }), /\d{6}|\d{3} \d{3}/, 'not echoed');
    // So that each refusal gets a record of its own where it is one of the first.
    running.clock.advance(20);
  }
  t.equal((await frontOf(operator)).id, request, 'nothing was decided by it');
  for (const form of [code, `${code.slice(0, 3)} ${code.slice(3)}`]) t.same(stateHolding(running, form), [], 'nowhere on disk');
  running.clock.advance(2000);
  const refusals = (await auditOf(running, 'operation_refused')).filter((one) => one.code === 'CODE_ON_AGENT_SOCKET');
  t.ok(refusals.length > 0, 'recorded');
  t.ok(
    (await submit(operator, await frontOf(operator), code)).lease,
    'negative control: the code itself was good, and still is on the operator’s socket',
  );
  operator.close();
});

t.test('before hello it is no different', async (t) => {
  const link = await connectSocket(running.sockets['agent/default'] ?? '');
  t.equal(await refusalOf(link.call('request.approve', { code: '123456' })), 'CODE_ON_AGENT_SOCKET');
  t.equal(await refusalOf(link.call('hello', { client: '123456', protocol: 1 })), 'CODE_ON_AGENT_SOCKET');
  t.equal(await refusalOf(link.call('hello', { client: 'x', protocol: 1, code: '123456' })), 'CODE_ON_AGENT_SOCKET');
  t.equal(await refusalOf(link.call('hello', { client: 'x', protocol: 1, resume: '123456' })), 'CODE_ON_AGENT_SOCKET');
  link.close();
});

t.test('negative control: numbers that are no codes pass', async (t) => {
  const operator = await connectTo(running, 'approve/default');
  for (const reason of [
    'invoice 2026-1107 of 14 November',
    'the last 10 of 200 messages',
    'postal code 1070, order 31415926-A',
    'find pin code 12',
  ]) {
    t.equal(
      await refusalOf(agent.call('access.request', { scopes: ['mail:read'], reason, ttlS: 60 + reason.length })),
      null,
      reason,
    );
    await approveShown(running, operator);
    running.clock.advance(30_000);
  }
  operator.close();
});
