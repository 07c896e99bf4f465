// Operations that need an approval of their own: parked, run once, and what became of them.
import { AirlockError, type CallResult } from '@airlock/protocol';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { okResult } from './support/fake-cells.js';
import { refusalOf, startWorld, type Client, type World } from './support/world.js';

/** Frees sending from its code, but for what the lease does not name. */
const FREES = {
  ...{ id: 'frees', name: 'Frees', description: 'Sending without a code', status: 'active', blocked_commands: [] },
  rules: [{ id: 'send', decision: 'allow', operations: ['send'] }],
};

let world: World;
t.beforeEach(async () => {
  world = await startWorld({
    config: {
      permissions: { default: 'read', allow: ['write'] },
      rules: { policies: [FREES], attachments: { '*': ['frees'] } },
    },
    // Its signed heads are of no real log, and a log begun again would be compared with them.
    prepare: ({ totp }) => totp.refuse.set('head.sign', new AirlockError('UNAVAILABLE', 'no heads here')),
  });
});
t.afterEach(() => world.stop());

const leaseFor = async (agent: Client, spec: object = {}): Promise<{ id: string; text: string }> => {
  const { lease, text } = world.totp.issue({ session: agent.session, scopes: ['mail:read', 'mail:write'], ...spec });
  await world.until(() => world.events('lease_issued').some((record) => record['lease'] === lease.id), 'the lease');
  return { id: lease.id, text };
};
const send = (agent: Client, lease: string, query = 'hello'): Promise<CallResult> =>
  agent.call<CallResult>('call', { lease, service: 'mail', operation: 'send', params: { query } });
const result = (agent: Client, request: string): Promise<CallResult> => agent.call<CallResult>('call.result', { request });

/** A parked send. @returns its request */
const parked = async (agent: Client, lease: string, query?: string): Promise<string> => {
  const { code, data } = await refusalOf(send(agent, lease, query));
  if (code !== 'APPROVAL_PENDING') throw new Error(code);
  return data.request ?? '';
};
/** Polls until the operation is over. */
const outcome = async (agent: Client, request: string): Promise<CallResult | AirlockError> => {
  for (let n = 0; n < 500; n += 1) {
    const answer = await result(agent, request).catch((thrown: unknown) => thrown as AirlockError);
    if (!(answer instanceof AirlockError) || answer.code !== 'APPROVAL_PENDING') return answer;
    await world.settle();
  }
  throw new Error('it was never over');
};
const codeOf = async (agent: Client, request: string): Promise<string> => {
  const answer = await outcome(agent, request);
  return answer instanceof AirlockError ? answer.code : 'ok';
};
const stateFile = (request: string): string => join(world.stateDir, 'operations', `${request}.json`);
const stateOf = (request: string): string => (JSON.parse(readFileSync(stateFile(request), 'utf8')) as { state: string }).state;

t.test(
  'PARK-2: what writes is parked at once; approved it runs once, and its outcome can be fetched as often as wanted',
  async (t) => {
    const agent = await world.agent();
    const { id, text } = await leaseFor(agent);
    const refusal = await refusalOf(send(agent, text));
    t.match(refusal, { code: 'APPROVAL_PENDING', data: { request: /^r-/, retryAfterMs: 5000, hint: /match number 07/ } });
    const request = refusal.data.request ?? '';
    t.match(refusal.message, /match 07/);
    t.equal(stateOf(request), 'waiting');
    t.match(world.events('operation_asked')[0], { service: 'mail', operation: 'send', lease: id, seq: refusal.data.audit });
    t.match((await refusalOf(result(agent, request))).code, 'APPROVAL_PENDING');
    t.equal(world.cells.executed.length, 0, 'nothing has run');
    world.totp.decide('approved');
    t.match(await outcome(agent, request), { result: { ok: true }, meta: { masked: 0 } });
    t.match(await outcome(agent, request), { result: { ok: true } }, 'once more');
    t.equal(world.cells.executed.length, 1);
    t.match(world.cells.executed[0], { operation: 'send', params: { query: 'hello' } });
    t.match(world.events('operation').at(-1), { result: 'ok', request, of: refusal.data.audit });
    t.equal(
      world.cells.opened.at(-1)?.params.ticket,
      Buffer.alloc(32, 2).toString('base64url'),
      'under the ticket of the approval',
    );
    t.notMatch(JSON.stringify(world.records()), /hello/, 'JOURNAL-3');
  },
);

t.test('access.wait says that it was decided and hands out no lease', async (t) => {
  const agent = await world.agent();
  const { text } = await leaseFor(agent);
  const request = await parked(agent, text);
  t.match(await agent.call('access.status'), { pending: [{ request, match: '07' }] });
  world.totp.decide('approved');
  const answer = await agent.call('access.wait', { request, timeoutS: 10 });
  t.match(answer, { status: 'approved' });
  t.notOk('lease' in answer);
  t.same(agent.noted('access.decided'), [{ request, status: 'approved' }]);
});

t.test('PARK-3: the same call again is the same request; another is another', async (t) => {
  const agent = await world.agent();
  const { text } = await leaseFor(agent, { budget: { calls: 2 } });
  const request = await parked(agent, text);
  for (let n = 0; n < 5; n += 1) t.equal(await parked(agent, text), request);
  const second = await parked(agent, text, 'other');
  t.not(second, request);
  t.equal((await refusalOf(send(agent, text, 'third'))).code, 'LEASE_BUDGET', 'each request counted once');
  t.equal(world.totp.requests.length, 2);
});

t.test('what an approved operation brought in is reported as a call would: score and names of signatures', async (t) => {
  const agent = await world.agent();
  const { text } = await leaseFor(agent);
  const request = await parked(agent, text);
  world.cells.execute = () => ({ ...okResult(), risk: 0.4, signatures: ['persona'], more: 'x' }) as never;
  world.totp.decide('approved');
  t.match(await outcome(agent, request), { meta: { risk: 0.4, signatures: ['persona'] } });
  t.notMatch(readFileSync(stateFile(request), 'utf8'), /"more"/, 'and nothing else of what a cell says is kept');
});

t.test('PARK-1: what the cell refuses is asked of nobody', async (t) => {
  const agent = await world.agent();
  const { text } = await leaseFor(agent);
  world.cells.prepare = () => {
    throw new AirlockError('PARAMS_INVALID', 'params.query: expected text', { field: 'params.query' });
  };
  t.match(await refusalOf(send(agent, text)), { code: 'PARAMS_INVALID', data: { field: 'params.query' } });
  t.equal(world.totp.requests.length, 0);
  world.cells.prepare = () => ({});
});

t.test('a denial and an expiry reach the agent with what to do next', async (t) => {
  const agent = await world.agent();
  const { text } = await leaseFor(agent);
  const denied = await parked(agent, text);
  world.totp.decide('denied', 'not today');
  t.match(await outcome(agent, denied), {
    code: 'APPROVAL_DENIED',
    message: /not today/,
    data: { hint: /what would be acceptable/ },
  });
  const expired = await parked(agent, text);
  t.not(expired, denied, 'what was denied is asked anew');
  world.totp.decide('expired');
  t.match(await outcome(agent, expired), { code: 'APPROVAL_EXPIRED', data: { hint: /ask again/ } });
  t.equal(world.cells.executed.length, 0);
});

t.test('RESULT-1: another session gets nothing, and ids of others say nothing', async (t) => {
  const [mine, other] = [await world.agent(), await world.agent()];
  const { text } = await leaseFor(mine);
  const request = await parked(mine, text);
  const [theirs, unknown] = [await refusalOf(result(other, request)), await refusalOf(result(other, 'r-xxxxxxxxxx'))];
  t.equal(theirs.code, 'NOT_FOUND');
  t.equal(theirs.message, unknown.message);
  world.totp.decide('approved');
  t.equal(await codeOf(mine, request), 'ok', 'negative control');
});

t.test(
  'PARKED-4: a cell that dies after it was sent the operation leaves an unknown outcome, and nothing runs again',
  async (t) => {
    const agent = await world.agent();
    const { text } = await leaseFor(agent);
    const request = await parked(agent, text);
    world.cells.execute = () => new Promise(() => undefined);
    world.totp.decide('approved');
    await world.until(() => world.cells.executed.length === 1, 'the call');
    t.equal(stateOf(request), 'running', 'PARKED-3: on disk before');
    t.match((await refusalOf(result(agent, request))).message, /is running/);
    world.cells.kill();
    t.equal(await codeOf(agent, request), 'OUTCOME_UNKNOWN');
    t.match(world.events('operation').at(-1), { result: 'OUTCOME_UNKNOWN', request });
    world.cells.execute = () => okResult();
    t.equal(await codeOf(agent, request), 'OUTCOME_UNKNOWN');
    t.equal(world.cells.executed.length, 1);
  },
);

t.test('PARKED-4: what the cell says itself is believed, but for what says nothing', async (t) => {
  const agent = await world.agent();
  const { text } = await leaseFor(agent);
  const told = async (code: 'UPSTREAM_REFUSED' | 'UPSTREAM_TIMEOUT' | 'UNAVAILABLE' | 'INTERNAL'): Promise<string> => {
    const request = await parked(agent, text, code);
    world.cells.execute = () => {
      throw new AirlockError(code, 'words');
    };
    world.totp.decide('approved');
    return codeOf(agent, request);
  };
  t.equal(await told('UPSTREAM_REFUSED'), 'UPSTREAM_REFUSED');
  t.equal(await told('UNAVAILABLE'), 'UNAVAILABLE', 'it could not be reached: nothing happened');
  t.equal(await told('UPSTREAM_TIMEOUT'), 'OUTCOME_UNKNOWN');
  t.equal(await told('INTERNAL'), 'OUTCOME_UNKNOWN');
});

t.test('a cell that cannot be opened, or a ticket that is refused: nothing happened, and that is said', async (t) => {
  const agent = await world.agent();
  const { text } = await leaseFor(agent);
  const first = await parked(agent, text);
  world.totp.refuse.set('operation.take', new AirlockError('APPROVAL_EXPIRED', 'too late'));
  world.totp.decide('approved');
  t.equal(await codeOf(agent, first), 'APPROVAL_EXPIRED');
  world.totp.refuse.delete('operation.take');
  const second = await parked(agent, text);
  world.cells.open = () => {
    throw new AirlockError('VAULT_UNREADABLE', 'the record is of another key');
  };
  world.totp.decide('approved');
  t.equal(await codeOf(agent, second), 'VAULT_UNREADABLE');
  t.equal(world.cells.executed.length, 0);
});

t.test('a lease that ends before the approval ends the operation; during it, the outcome is unknown', async (t) => {
  const agent = await world.agent();
  const first = await leaseFor(agent);
  const early = await parked(agent, first.text);
  world.totp.end(first.id, 'revoked');
  await world.until(() => world.events('lease_revoked').length === 1, 'the end');
  world.totp.decide('approved');
  t.equal(await codeOf(agent, early), 'LEASE_REVOKED');
  t.equal(world.cells.executed.length, 0);
  const second = await leaseFor(agent);
  const late = await parked(agent, second.text);
  world.cells.execute = () => new Promise(() => undefined);
  world.totp.decide('approved');
  await world.until(() => world.cells.executed.length === 1, 'the call');
  world.totp.end(second.id, 'revoked');
  t.equal(await codeOf(agent, late), 'OUTCOME_UNKNOWN');
});

t.test(
  'RESULT-2: while locked no outcome leaves; after unlock it does, even when the lease is over: it was a write',
  async (t) => {
    const agent = await world.agent();
    const { id, text } = await leaseFor(agent);
    const request = await parked(agent, text);
    world.totp.decide('approved');
    t.equal(await codeOf(agent, request), 'ok');
    world.totp.lock(true);
    await world.until(() => world.events('locked').length === 1, 'the lock');
    t.equal(await codeOf(agent, request), 'LOCKED');
    world.totp.lock(false);
    await world.until(() => world.events('unlocked').length === 1, 'the unlock');
    world.totp.end(id, 'released');
    await world.until(() => world.events('lease_released').length === 1, 'the end');
    t.equal(await codeOf(agent, request), 'ok');
  },
);

t.test('PARKED-2: what was running when the gateway was killed is unknown from then on', async (t) => {
  const agent = await world.agent();
  const { text } = await leaseFor(agent);
  const request = await parked(agent, text);
  world.cells.execute = () => new Promise(() => undefined);
  world.totp.decide('approved');
  await world.until(() => world.cells.executed.length === 1, 'the call');
  const asKilled = readFileSync(stateFile(request), 'utf8');
  await world.gateway?.close();
  writeFileSync(stateFile(request), asKilled);
  world.cells.execute = () => okResult();
  await world.start();
  await world.up();
  const again = await world.agent('default', agent.hello?.resume);
  t.equal(await codeOf(again, request), 'OUTCOME_UNKNOWN');
  t.equal(world.cells.executed.length, 1, 'never again');
});

t.test('what was approved while the gateway was away runs when it is back, once', async (t) => {
  const agent = await world.agent();
  const { text } = await leaseFor(agent);
  const request = await parked(agent, text);
  await world.gateway?.close();
  const opened = world.totp.requests.at(-1);
  if (opened !== undefined) opened.status = 'approved';
  await world.start();
  await world.up();
  const again = await world.agent('default', agent.hello?.resume);
  t.equal(await codeOf(again, request), 'ok');
  await world.restart();
  await world.up();
  t.equal(await codeOf(await world.agent('default', agent.hello?.resume), request), 'ok', 'the outcome is kept');
  t.equal(world.cells.executed.length, 1);
});

t.test('a decision told twice runs it once', async (t) => {
  const agent = await world.agent();
  const { text } = await leaseFor(agent);
  const request = await parked(agent, text);
  world.totp.decide('approved');
  world.totp.tell({ method: 'request.decided', params: { operator: 'default', request, status: 'approved' } });
  world.totp.tell({ method: 'request.decided', params: { operator: 'default', request, status: 'denied' } });
  t.equal(await codeOf(agent, request), 'ok');
  t.equal(world.cells.executed.length, 1);
});

t.test('an outcome is forgotten after a day', async (t) => {
  const agent = await world.agent();
  const { text } = await leaseFor(agent, { ttlMs: 3 * 86_400_000 });
  const request = await parked(agent, text);
  world.totp.decide('approved');
  t.equal(await codeOf(agent, request), 'ok');
  world.clock.wall += 86_400_000;
  await parked(agent, text, 'another');
  t.equal(await codeOf(agent, request), 'NOT_FOUND');
});

t.test('a damaged file keeps the gateway sealed and names itself', async (t) => {
  const agent = await world.agent();
  const { text } = await leaseFor(agent);
  const request = await parked(agent, text);
  await world.gateway?.close();
  writeFileSync(stateFile(request), '{"request":');
  await world.start();
  t.match(world.logs.at(-1), new RegExp(`${request}.json is no parked operation`));
});

t.test('PARKED-1, PARKED-5: an outcome that was on disk and not yet recorded is recorded before it is handed out', async (t) => {
  const agent = await world.agent();
  const { text } = await leaseFor(agent);
  const request = await parked(agent, text);
  world.totp.decide('approved');
  t.equal(await codeOf(agent, request), 'ok');
  await world.gateway?.close();
  const kept = JSON.parse(readFileSync(stateFile(request), 'utf8')) as object;
  t.match(kept, { state: 'done', audit: Number });
  writeFileSync(stateFile(request), JSON.stringify({ ...kept, audit: null }));
  await world.start();
  await world.up();
  const answer = await result(await world.agent('default', agent.hello?.resume), request);
  const records = world.events('operation').filter((record) => record['request'] === request);
  t.equal(records.length, 2);
  t.equal(answer.meta.audit, records.at(-1)?.['seq']);
});

t.test(
  'UNATTENDED-1, CALL-10: a write that the lease names runs in the call itself; without its answer it is unknown',
  async (t) => {
    const agent = await world.agent();
    const { text } = await leaseFor(agent, { unattended: ['mail:send'] });
    t.match(await send(agent, text), { result: { ok: true } });
    t.equal(world.totp.requests.length, 0, 'nobody was asked');
    world.cells.execute = () => new Promise(() => undefined);
    const pending = refusalOf(send(agent, text));
    await world.until(() => world.cells.executed.length === 2, 'the call');
    world.cells.kill();
    t.match(await pending, { code: 'OUTCOME_UNKNOWN', data: { retry: 'never' } });
    t.match(world.events('operation').at(-1), { result: 'OUTCOME_UNKNOWN' });
    const other = await leaseFor(agent, { unattended: ['mail:search', 'calendar:send'] });
    t.equal((await refusalOf(send(agent, other.text))).code, 'APPROVAL_PENDING');
  },
);
