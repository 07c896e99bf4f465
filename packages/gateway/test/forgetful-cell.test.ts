/** A cell that forgets the constraints it was sent, or was taken over: what the gateway sees of them it keeps itself. */
import type { CellResult, Json } from '@airlock/protocol';
import type { LeaseConstraints } from '@airlock/lease';
import t from 'tap';
import { constraintsFor } from '../src/call/seen.js';
import { okResult } from './support/fake-cells.js';
import { refusalOf, startWorld, type Client, type World } from './support/world.js';

let world: World;
let agent: Client;
t.beforeEach(async () => {
  world = await startWorld();
  agent = await world.agent();
});
t.afterEach(() => world.stop());

const leaseOf = async (constraints: LeaseConstraints): Promise<string> => {
  const { lease, text } = world.totp.issue({ session: agent.session, constraints });
  await world.until(() => world.events('lease_issued').some((record) => record['lease'] === lease.id), 'the lease');
  return text;
};
const call = (lease: string, params: object = {}): Promise<unknown> =>
  agent.call('call', { lease, service: 'mail', operation: 'search', params });
const codeOf = async (lease: string, answer: Partial<CellResult>, params: object = {}): Promise<string> => {
  world.cells.execute = () => ({ ...okResult(), ...answer });
  return (await refusalOf(call(lease, params))).code;
};
const message = (address: string): Json => ({ id: 'x', from: { name: '', address }, subject: 'secret' });

t.test('each constraint that can be seen is kept without the cell', async (t) => {
  const lease = await leaseOf({ folders: ['INBOX'], senders: ['ada@example.org'], maxResults: 2, maxRisk: 500 });
  t.equal(await codeOf(lease, {}, { folder: 'Secret' }), 'CONSTRAINT');
  t.equal(world.cells.executed.length, 0, 'another folder is not even asked for');
  t.equal(await codeOf(lease, { count: 3 }), 'CONSTRAINT');
  t.equal(await codeOf(lease, { risk: 0.6 }), 'RISK_TOO_HIGH');
  t.equal(await codeOf(lease, { result: { messages: [message('ada@example.org'), message('eve@evil.test')] } }), 'CONSTRAINT');
  t.notMatch(JSON.stringify(world.records()), /secret|eve@/, 'nor is anything of it recorded');
  world.cells.execute = () => okResult({ messages: [message('ada@example.org')] });
  t.ok(await call(lease, { folder: 'INBOX' }), 'negative control');
});

t.test('the cell is sent all of them, narrowed by whoever holds the lease', async (t) => {
  const { narrowLease } = await import('@airlock/lease');
  const lease = await leaseOf({ senders: ['ada@example.org'], since: '2026-01-01', maxRisk: 500 });
  await call(narrowLease(lease, ['constraints', { since: '2026-02-01', before: '2026-03-01', maxRisk: 900 }]));
  t.same(world.cells.executed.at(-1)?.constraints, {
    senders: ['ada@example.org'],
    since: '2026-02-01',
    before: '2026-03-01',
    maxRisk: 500,
  });
});

t.test('the lower of the risks of lease and policy is what the cell is asked to keep', async (t) => {
  t.same(constraintsFor({ maxRisk: 300 }, 0.5), { maxRisk: 300 });
  t.same(constraintsFor({ maxRisk: 300 }, 0.2), { maxRisk: 200 });
  t.same(constraintsFor({ folders: ['a'] }, 0), { folders: ['a'], maxRisk: 0 });
  t.same(constraintsFor({ folders: ['a'] }, undefined), { folders: ['a'] });
});
