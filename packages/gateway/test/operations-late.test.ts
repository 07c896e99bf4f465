// What can change, break or end between the question for an approval and the outcome of the operation. PARKED-1 to PARKED-7.
import { narrowLease } from '@airlock/lease';
import { AirlockError, type Action, type CallResult, type GatewayStatus, type Json } from '@airlock/protocol';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { okResult } from './support/fake-cells.js';
import { refusalOf, startWorld, type Client, type World } from './support/world.js';

/** What reads needs an approval too, and what is read with it has a limit of risk. */
const ASKS = {
  ...{ id: 'asks', name: 'Asks', description: 'Reading with a code', status: 'active', blocked_commands: [] },
  rules: [
    { id: 'get', decision: 'approval', operations: ['get'], maxRisk: 0.5 },
    { id: 'search', decision: 'approval', operations: ['search'] },
  ],
};

let world: World;
let agent: Client;
t.beforeEach(async () => {
  world = await startWorld({
    config: {
      permissions: { default: 'read', allow: ['write'] },
      rules: { policies: [ASKS], attachments: { '*': ['asks'] } },
    },
    // Its signed heads are of no real log, and a log begun again would be compared with them.
    prepare: ({ totp }) => totp.refuse.set('head.sign', new AirlockError('UNAVAILABLE', 'no heads here')),
  });
  agent = await world.agent();
});
t.afterEach(() => world.stop());

const leaseFor = async (spec: object = {}): Promise<{ id: string; text: string }> => {
  const { lease, text } = world.totp.issue({ session: agent.session, scopes: ['mail:read', 'mail:write'], ...spec });
  await world.until(() => world.events('lease_issued').some((record) => record['lease'] === lease.id), 'the lease');
  return { id: lease.id, text };
};
const call = (lease: string, operation: string, params: Json = {}): Promise<CallResult> =>
  agent.call<CallResult>('call', { lease, service: 'mail', operation, params });
/** A parked operation. @returns its request */
const parked = async (lease: string, operation = 'send', params?: Json): Promise<string> => {
  const { code, data } = await refusalOf(call(lease, operation, params));
  if (code !== 'APPROVAL_PENDING') throw new Error(code);
  return data.request ?? '';
};
const codeOf = (request: string): Promise<string> =>
  agent.call('call.result', { request }).then(
    () => 'ok',
    (thrown: unknown) => (thrown as AirlockError).code,
  );
/** Polls until the operation is over. */
const endOf = async (request: string): Promise<string> => {
  for (let n = 0; n < 2000; n += 1) {
    const code = await codeOf(request);
    if (code !== 'APPROVAL_PENDING') return code;
    await world.settle();
  }
  return 'never over';
};
const stateFile = (request: string): string => join(world.stateDir, 'operations', `${request}.json`);
const kept = (request: string): { state: string; error: { data: { code: string } } | null } =>
  JSON.parse(readFileSync(stateFile(request), 'utf8')) as { state: string; error: { data: { code: string } } | null };

t.test('the cell is told the constraints of the lease twice: when it is asked for, and when it runs', async (t) => {
  const prepared: unknown[] = [];
  world.cells.prepare = (params) => {
    prepared.push(params);
    return {};
  };
  const { text } = await leaseFor({ constraints: { maxResults: 2 } });
  const request = await parked(text, 'search', { query: 'x' });
  t.match(prepared, [{ operation: 'search', params: { query: 'x' }, constraints: { maxResults: 2 } }]);
  world.totp.decide('approved');
  t.equal(await endOf(request), 'ok');
  t.match(world.cells.executed, [{ operation: 'search', constraints: { maxResults: 2 } }]);
});

t.test(
  'TAINT-1: what an approved read brings in taints the session, and no riskier result leaves than policy allows',
  async (t) => {
    const { text } = await leaseFor();
    const taint = async (): Promise<unknown> => (await agent.call('access.status'))['taint'];
    world.cells.execute = () => ({ ...okResult(), risk: 0.6 });
    const risky = await parked(text, 'get', { id: 'a' });
    world.totp.decide('approved');
    t.equal(await endOf(risky), 'RISK_TOO_HIGH');
    t.match(world.cells.executed, [{ operation: 'get', constraints: { maxRisk: 500 } }], 'the cell is told');
    world.cells.execute = () => ({ ...okResult(), risk: 0.5 });
    const request = await parked(text, 'get', { id: 'b' });
    world.totp.decide('approved');
    t.equal(await endOf(request), 'ok');
    t.match(await taint(), { service: 'mail', operation: 'get' });
    t.match(world.events('tainted'), [{ session: agent.session }]);
  },
);

t.test(
  'RESULT-2: what was read is not given out once its lease is over, nor anything while airlock-totp does not answer',
  async (t) => {
    const [reading, writing] = [await leaseFor(), await leaseFor()];
    const read = await parked(reading.text, 'search');
    world.totp.decide('approved');
    t.equal(await endOf(read), 'ok');
    const written = await parked(writing.text);
    world.totp.decide('approved');
    t.equal(await endOf(written), 'ok');
    world.totp.end(reading.id, 'revoked');
    await world.until(() => world.events('lease_revoked').length === 1, 'the end');
    t.equal(await codeOf(read), 'LEASE_REVOKED');
    t.equal(await codeOf(written), 'ok');
    world.totp.mute.add('heartbeat');
    await world.advance(2600);
    t.equal(await codeOf(written), 'UNAVAILABLE');
  },
);

t.test('PARKED-6: what a narrowed lease asked for ends with that lease, not with the one it came from', async (t) => {
  const { text } = await leaseFor();
  const narrow = narrowLease(text, ['expires', world.clock.wall + 1000]);
  const request = await parked(narrow);
  world.clock.advance(1000);
  world.totp.decide('approved');
  t.equal(await endOf(request), 'LEASE_EXPIRED');
  t.equal(world.cells.executed.length, 0);
  const again = await parked(text);
  world.totp.decide('approved');
  t.equal(await endOf(again), 'ok', 'negative control');
});

t.test('approved while airlock-totp does not answer: nothing runs', async (t) => {
  const { text } = await leaseFor();
  const request = await parked(text);
  world.totp.mute.add('heartbeat');
  await world.advance(2600);
  world.totp.decide('approved');
  t.equal(await endOf(request), 'UNAVAILABLE');
  t.equal(world.cells.executed.length, 0);
});

t.test('approved when the session that asked is gone: nothing runs, and that is recorded', async (t) => {
  const { text } = await leaseFor();
  const request = await parked(text);
  await world.gateway?.close();
  rmSync(join(world.stateDir, 'sessions.jsonl'));
  await world.start();
  await world.up();
  world.totp.decide('approved');
  await world.until(() => world.events('operation').length === 1, 'the record');
  t.match(world.events('operation'), [{ request, result: 'LEASE_SESSION' }]);
  t.match(kept(request), { state: 'failed' });
  t.equal(world.cells.executed.length, 0);
});

t.test('approved when the service was removed: nothing runs', async (t) => {
  const { text } = await leaseFor();
  const request = await parked(text);
  const action: Action = { verb: 'service.remove', params: { service: 'mail' } };
  world.totp.actions.set('ticket-remove', { action, operator: 'default', trial: null });
  await (await world.operator()).call('service.remove', { ticket: 'ticket-remove' });
  world.totp.decide('approved');
  t.equal(await endOf(request), 'SERVICE_UNKNOWN');
  t.equal(world.cells.executed.length, 0);
});

t.test('an approval of another operation than the one that is parked runs nothing', async (t) => {
  const { text } = await leaseFor();
  const request = await parked(text, 'send', { query: 'to ada' });
  Object.assign(world.totp.requests.at(-1)?.params ?? {}, { params: { query: 'to eve' } });
  world.totp.decide('approved');
  t.equal(await endOf(request), 'POLICY_DENIED');
  t.equal(world.cells.executed.length, 0);
});

t.test('PARKED-3: where "running" cannot be written nothing runs, no slot is lost, and it runs once it can be', async (t) => {
  const { text } = await leaseFor();
  const request = await parked(text);
  const obstacle = `${stateFile(request)}.tmp`;
  mkdirSync(obstacle);
  const cells = async (): Promise<number> => (await (await world.operator()).call<GatewayStatus>('status')).cells.live;
  const before = await cells();
  world.totp.decide('approved');
  await world.until(() => world.logs.some((line) => line.includes('an operation: UNAVAILABLE')), 'the failure in the log');
  t.equal(kept(request).state, 'waiting');
  t.equal(await cells(), before);
  t.equal(world.cells.executed.length, 0);
  rmdirSync(obstacle);
  t.equal(await endOf(request), 'ok');
  t.equal(world.cells.executed.length, 1);
});

t.test('no record, no action: approved on a log that cannot be written, it does not run', async (t) => {
  const { text } = await leaseFor();
  const request = await parked(text);
  const dir = join(world.stateDir, 'audit');
  for (const name of readdirSync(dir).filter((one) => one.endsWith('.jsonl')))
    appendFileSync(join(dir, name), 'by somebody else\n');
  world.totp.decide('approved');
  await world.until(() => existsSync(stateFile(request)) && kept(request).state === 'failed', 'the outcome');
  t.equal(kept(request).error?.data.code, 'AUDIT_UNAVAILABLE');
  t.equal(world.cells.executed.length, 0);
  t.equal((await (await world.operator()).call<GatewayStatus>('status')).sealed?.code, 'AUDIT_UNAVAILABLE');
});

t.test('a request that airlock-totp has forgotten has expired; one it cannot be asked for goes on waiting', async (t) => {
  const { text } = await leaseFor();
  const request = await parked(text);
  world.totp.refuse.set('request.get', new AirlockError('UNAVAILABLE', 'busy'));
  t.equal(await codeOf(request), 'APPROVAL_PENDING');
  t.match(world.logs.at(-1), new RegExp(`request ${request} could not be settled: UNAVAILABLE`));
  world.totp.refuse.set('request.get', new AirlockError('NOT_FOUND', 'no request has this id'));
  t.equal(await codeOf(request), 'APPROVAL_EXPIRED');
  t.equal(kept(request).state, 'expired');
});

t.test('an expiry that cannot be written leaves it waiting, and is tried again', async (t) => {
  const { text } = await leaseFor();
  const request = await parked(text);
  const obstacle = `${stateFile(request)}.tmp`;
  mkdirSync(obstacle);
  world.totp.refuse.set('request.get', new AirlockError('NOT_FOUND', 'no request has this id'));
  t.equal(await codeOf(request), 'APPROVAL_PENDING');
  rmdirSync(obstacle);
  t.equal(await codeOf(request), 'APPROVAL_EXPIRED');
});

t.test('the same call under another lease, which airlock-totp takes for the same, is the request that waits', async (t) => {
  world.totp.merges = true;
  const [first, second] = [await leaseFor(), await leaseFor()];
  const request = await parked(first.text);
  t.equal(await parked(second.text), request);
  t.equal(world.totp.requests.length, 1);
  t.match(JSON.parse(readFileSync(stateFile(request), 'utf8')), { lease: first.id });
});

t.test('parameters that have no canonical form are asked of nobody', async (t) => {
  const { text } = await leaseFor();
  const socket = connect(world.socket('agent/default'));
  t.teardown(() => socket.destroy());
  const hello = { client: 'test', protocol: 1, resume: agent.hello?.resume };
  const params = { lease: text, service: 'mail', operation: 'send', params: { n: 0 } };
  const frame = (id: number, method: string, body: object): string =>
    `${JSON.stringify({ jsonrpc: '2.0', id, method, params: body })}\n`;
  socket.write(frame(1, 'hello', hello) + frame(2, 'call', params).replace('"n":0', '"n":-0'));
  let answer = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    answer += chunk.toString();
    if (answer.includes('"id":2')) break;
  }
  t.match(answer, /"code":"PARAMS_INVALID"/);
  t.match(answer, /no canonical form/);
  t.equal(world.totp.requests.length, 0);
});
