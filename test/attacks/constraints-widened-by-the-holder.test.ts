// Attack: an agent with a lease of one sender, some days and some bytes asks for more: by parameters, ids, narrowing that widens, and repetition. LEASE-7, LEASE-10, LEASE-16.
import { narrowLease, type Caveat } from '@airlock/lease';
import type { CallResult } from '@airlock/protocol';
import {
  addMailbox,
  obtainLease,
  openSession,
  refusalOf,
  startTestInstance,
  type AgentSession,
  type Running,
} from '@airlock/testkit';
import t from 'tap';
import { killHard, untilServing } from './support/house.js';

let running: Running;
let agent: AgentSession;
t.before(async () => {
  running = await startTestInstance({ cells: 6 });
  await addMailbox(running);
  agent = await openSession(running);
});
t.teardown(async () => {
  agent.close();
  await running.stop();
});

const leaseOf = async (constraints: object): Promise<string> => {
  running.clock.advance(60_000);
  return (await obtainLease(running, agent, ['mail:read'], { ttlS: 3600, constraints })).lease;
};
const call = (lease: string, operation: string, params: object = {}): Promise<CallResult> =>
  agent.call<CallResult>('call', { lease, service: 'mail', operation, params });
interface Listed {
  readonly messages: readonly { readonly id: string; readonly from: { readonly address: string } }[];
}
const list = async (lease: string, params: object = {}): Promise<Listed> =>
  (await call(lease, 'list_messages', params)).result as unknown as Listed;
const sendersOf = ({ messages }: Listed): string[] => messages.map(({ from }) => from.address);

const GRACE = 'grace@example.org';

t.test('parameters, ids and narrowing that widens lead to nothing more', async (t) => {
  const whole = await leaseOf({});
  const all = await list(whole);
  t.equal(all.messages.length, 3, 'negative control: a lease of everything');
  const held = await leaseOf({ senders: [GRACE], since: '2026-11-05', before: '2026-11-12' });
  t.same(sendersOf(await list(held)), [GRACE]);
  t.same(sendersOf((await call(held, 'search', { since: '2020-01-01' })).result as unknown as Listed), [GRACE]);
  t.same(sendersOf((await call(held, 'search', { from: 'bank' })).result as unknown as Listed), []);
  for (const { id, from } of all.messages)
    t.equal(await refusalOf(call(held, 'get_message', { id })), from.address === GRACE ? null : 'NOT_FOUND', from.address);
  const wider: Caveat[] = [
    ['constraints', { senders: ['billing@acme.example', GRACE, 'no-reply@bank.example'] }],
    ['constraints', { since: '2000-01-01' }],
    ['constraints', { before: '2099-01-01' }],
    ['constraints', { maxResults: 100 }],
  ];
  for (const caveat of wider) t.same(sendersOf(await list(narrowLease(held, caveat))), [GRACE], JSON.stringify(caveat));
  t.same(
    sendersOf(await list(narrowLease(held, ['constraints', { senders: ['billing@acme.example'] }]))),
    [],
    'no common sender',
  );
  t.same(sendersOf(await list(narrowLease(whole, ['constraints', { domains: ['acme.example'] }]))), ['billing@acme.example']);
});

t.test('a constraint that nothing enforces is never promised', async (t) => {
  const ask = (scopes: string[], constraints: object): Promise<string | null> =>
    refusalOf(agent.call('access.request', { scopes, reason: 'a test', constraints }));
  t.equal(await ask(['mail:read'], { calendars: ['calendar'] }), 'CONSTRAINT');
  t.equal(await ask(['mail:read'], { colour: 'red' }), 'CONSTRAINT');
  t.equal(await ask(['mail:read'], { bytes: 0 }), 'CONSTRAINT');
  t.equal(await ask(['mail:read'], { maxRisk: 2000 }), 'PARAMS_INVALID');
  t.equal(await ask(['mail:read'], { since: '2026-02-30' }), 'PARAMS_INVALID');
});

t.test('LEASE-16: bytes are counted over all that is narrowed, and across a kill of the gateway', async (t) => {
  const size = Buffer.byteLength(JSON.stringify((await call(await leaseOf({}), 'count_unread')).result));
  const lease = await leaseOf({ bytes: size * 3 });
  t.equal(await refusalOf(call(lease, 'list_messages')), 'LEASE_BUDGET', 'larger than all there is: withheld');
  t.equal(await refusalOf(call(lease, 'count_unread')), null, 'and counted nothing');
  t.equal(await refusalOf(call(narrowLease(lease, ['budget', { bytes: size * 9 }]), 'count_unread')), null);
  await killHard(running.pids.gateway);
  await untilServing(running);
  agent = await openSession(running, { resume: agent.hello.resume });
  t.equal(await refusalOf(call(lease, 'count_unread')), null, 'the third');
  t.equal(await refusalOf(call(lease, 'count_unread')), 'LEASE_BUDGET', 'three, and no more');
  t.equal(await refusalOf(call(narrowLease(lease, ['budget', { bytes: size * 9 }]), 'count_unread')), 'LEASE_BUDGET');
});
