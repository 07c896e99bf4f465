// An agent has a good code and its own socket: it tries every method of every other socket, before and after hello.
import { connectSocket, type Connection } from '@airlock/ipc';
import * as protocol from '@airlock/protocol';
import type { AccessRequestResult, ApproveStatus, ShownRequest } from '@airlock/protocol';
import { addMailbox, openSession, refusalOf, startTestInstance, type AgentSession, type Running } from '@airlock/testkit';
import t from 'tap';
import { UNWATCHED, configWith, ask, connectTo, errorOf, frontOf, goodCode, submissionFor, submit } from './support/house.js';

let running: Running;
let operator: Connection;
let agent: AgentSession;
t.before(async () => {
  running = await startTestInstance({ cells: 1, config: configWith(UNWATCHED) });
  await addMailbox(running);
  operator = await connectTo(running, 'approve/default');
  agent = await openSession(running);
});
t.teardown(async () => {
  operator.close();
  agent.close();
  await running.stop();
});

/** Methods of a socket, from the table of schemas. */
const methodsOf = (socket: string, schemas: object): string[] =>
  Object.keys(schemas).map((name) => (name.startsWith(`${socket}.`) ? name.slice(socket.length + 1) : name));
const AGENT = methodsOf('agent', protocol.AGENT_SCHEMAS);
const FOREIGN = [
  ...methodsOf('approve', protocol.APPROVE_SCHEMAS),
  ...methodsOf('root', protocol.ROOT_SCHEMAS),
  ...methodsOf('operator', protocol.OPERATOR_SCHEMAS),
  ...methodsOf('bridge', protocol.BRIDGE_SCHEMAS),
  ...methodsOf('cell', protocol.CELL_SCHEMAS),
].filter((method) => !AGENT.includes(method));
const REFUSALS = ['METHOD_UNKNOWN', 'CODE_ON_AGENT_SOCKET'];

const paramsFor = (shown: ShownRequest, code: string): object[] => [
  submissionFor(shown, code),
  {},
  { verb: 'unlock', params: {} },
  { operator: 'default' },
];

t.test('no method of operator, root, bridge or cell is there, and nothing is approved', async (t) => {
  t.ok(FOREIGN.length > 30, `${FOREIGN.length} methods`);
  await agent.call<AccessRequestResult>('access.request', { scopes: ['mail:read'], reason: 'let me in' });
  const code = await goodCode(running, operator);
  const shown = await frontOf(operator);
  const before = await connectSocket(running.sockets['agent/default'] ?? '');
  for (const method of FOREIGN) {
    for (const params of paramsFor(shown, code)) {
      t.ok(REFUSALS.includes((await refusalOf(agent.call(method, params))) ?? ''), method);
      t.ok(REFUSALS.includes((await refusalOf(before.call(method, params))) ?? ''), `${method} before hello`);
    }
  }
  before.close();
  const status = await ask<ApproveStatus>(operator, 'status');
  t.same([status.leases, status.queue, status.locked, status.lockout.terminal.triesLeft], [0, 1, false, 10]);
  t.ok(
    (await submit(operator, await frontOf(operator), code)).lease,
    'negative control: on the operator’s socket the same parameters approve',
  );
});

t.test('what the socket says it has is the agent’s table, and nothing in it takes a code', async (t) => {
  const { data } = await errorOf(agent.call('nosuch', {}));
  t.same(String(data.expected).split(', ').sort(), [...AGENT].sort());
  t.notMatch(AGENT.join(' '), /approve|deny|code|unlock|enrol|ticket/);
  t.match(
    JSON.stringify(protocol.APPROVE_SCHEMAS['approve.request.approve']),
    /"code"/,
    'negative control: an approving method has one',
  );
  // The error of a reply has a number by JSON-RPC: one that has fewer digits than a code.
  const reply = JSON.stringify(protocol.AGENT_SCHEMAS['agent.call.reply']);
  const bounded = /"code":\{"type":"integer","minimum":-99999,"maximum":99999\}/;
  t.match(reply, bounded);
  const others = Object.entries(protocol.AGENT_SCHEMAS).filter(([name]) => name !== 'agent.call.reply');
  t.notMatch(
    JSON.stringify(others) + reply.replace(bounded, '').replace('"required":["code","message"]', ''),
    /"code"|"otp"|"totp"/,
  );
});

t.test('AGENT-1: before hello nothing of its own is there either', async (t) => {
  const link = await connectSocket(running.sockets['agent/default'] ?? '');
  for (const method of AGENT.filter((one) => one !== 'hello'))
    t.equal(await refusalOf(link.call(method, {})), 'NOT_AUTHENTICATED', method);
  await link.call('hello', { client: 'x', protocol: 1 });
  t.equal(await refusalOf(link.call('access.status', {})), null, 'negative control: after it');
  link.close();
});

t.test('members of objects are no methods, binary frames no frames, a claimed role is none', async (t) => {
  for (const method of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf', ''])
    t.ok(['METHOD_UNKNOWN', 'FRAME_INVALID'].includes((await refusalOf(agent.call(method, {}))) ?? ''), method);
  for (const claim of [{ role: 'operator' }, { operator: 'default' }, { session: 'terminal' }])
    t.equal(await refusalOf(agent.call('access.request', { scopes: ['mail:read'], reason: 'x', ...claim })), 'PARAMS_INVALID');
  const binary = await connectSocket(running.sockets['agent/default'] ?? '');
  const ended = errorOf(
    binary.call('hello', { client: 'x', protocol: 1 }).then(() => binary.call('access.wait', { request: 'r-none', timeoutS: 0 })),
  );
  binary.sendBinary(protocol.FRAME.SEAL_KEY_REQUEST, Buffer.alloc(34));
  t.ok(await ended, 'WIRE-8: the connection that sends one is closed');
  t.equal(await refusalOf(agent.call('access.status')), null, 'negative control: WIRE-20, the other goes on');
});

t.test(
  'an agent that guesses a code through the queue gets nowhere: it can neither deny nor move what is in front',
  async (t) => {
    running.clock.advance(3_600_000);
    await ask(operator, 'action.open', { verb: 'service.test', params: { service: 'mail' } });
    const front = await frontOf(operator);
    for (let n = 0; n < 5; n += 1)
      await refusalOf(agent.call('access.request', { scopes: ['mail:read'], reason: 'x', ttlS: 60 + n }));
    t.equal((await frontOf(operator)).id, front.id);
    t.equal(
      await refusalOf(agent.call('access.wait', { request: front.id, timeoutS: 0 })),
      'NOT_FOUND',
      'nor see how it is decided',
    );
  },
);
