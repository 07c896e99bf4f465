// A holder of a lease with so many calls narrows it again and again, hands the results around, and has the gateway killed in between.
import { narrowLease, parseLease } from '@airlock/lease';
import type { AccessStatus } from '@airlock/protocol';
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
import { countUnread, killHard, untilServing } from './support/house.js';

let running: Running;
let agent: AgentSession;
let pid: number;
t.before(async () => {
  running = await startTestInstance({ cells: 4 });
  await addMailbox(running);
  agent = await openSession(running);
});
t.teardown(async () => {
  agent.close();
  await running.stop();
});

const use = (text: string): Promise<string | null> => refusalOf(countUnread(agent, text));

/** How many calls are let through before the first refusal, at most `most`. */
const callsOf = async (texts: () => string, most = 12): Promise<number> => {
  for (let made = 0; made < most; made += 1) {
    const refusal = await use(texts());
    if (refusal === 'LEASE_BUDGET') return made;
    if (refusal !== null) throw new Error(refusal);
  }
  return most;
};

t.test('negative control: without a budget nothing is counted, and each lease has a budget of its own', async (t) => {
  const { lease } = await obtainLease(running, agent, ['mail:read'], { ttlS: 3600 });
  t.equal(await callsOf(() => lease), 12);
  const limited = await obtainLease(running, agent, ['mail:read'], { ttlS: 3600, constraints: { calls: 2 } });
  t.equal(await callsOf(() => limited.lease), 2);
  const another = await obtainLease(running, agent, ['mail:read'], { ttlS: 3600, constraints: { calls: 3 } });
  t.equal(await callsOf(() => another.lease), 3);
});

t.test('LEASE-10: narrowing again gives nothing back', async (t) => {
  const { lease } = await obtainLease(running, agent, ['mail:read'], { ttlS: 3600, constraints: { calls: 4 } });
  let n = 0;
  const fresh = (): string => narrowLease(lease, ['budget', { calls: 1000 - n++ }]);
  t.equal(await callsOf(fresh), 4, 'a fresh caveat for every call');
  t.equal(await use(lease), 'LEASE_BUDGET', 'the parent is spent with its children');
  t.equal(await use(narrowLease(lease, ['scopes', ['mail:read:count_unread']])), 'LEASE_BUDGET');
  const { leases } = await agent.call<AccessStatus>('access.status');
  t.equal(leases.find(({ id }) => id === parseLease(lease).payload.id)?.callsLeft, 0);
});

t.test('LEASE-10: a narrowed budget is one for all that come from it', async (t) => {
  const { lease } = await obtainLease(running, agent, ['mail:read'], { ttlS: 3600, constraints: { calls: 10 } });
  const child = narrowLease(lease, ['budget', { calls: 2 }]);
  const twins = [child, narrowLease(lease, ['budget', { calls: 2 }]), narrowLease(child, ['scopes', ['mail:read:count_unread']])];
  let n = 0;
  t.equal(await callsOf(() => twins[n++ % twins.length] ?? ''), 2);
  t.equal(await callsOf(() => narrowLease(child, ['budget', { calls: 7 }])), 0);
  t.equal(await callsOf(() => lease), 8, 'negative control: the parent has the rest');
});

t.test('BUDGET-1: fifty calls at once spend no more than there is', async (t) => {
  const { lease } = await obtainLease(running, agent, ['mail:read'], { ttlS: 3600, constraints: { calls: 7 } });
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, (_, n) => use(n % 2 === 0 ? lease : narrowLease(lease, ['budget', { calls: n + 1 }]))),
  );
  t.equal(outcomes.filter((outcome) => outcome === null).length, 7);
  t.equal(outcomes.filter((outcome) => outcome === 'LEASE_BUDGET').length, 43);
});

t.test('BUDGET-1: kill -9 of the gateway brings no call back', async (t) => {
  const { lease } = await obtainLease(running, agent, ['mail:read'], { ttlS: 3600, constraints: { calls: 5 } });
  const child = narrowLease(lease, ['budget', { calls: 3 }]);
  t.equal(await use(child), null);
  t.equal(await use(child), null);
  ({ gateway: pid } = running.pids);
  await killHard(pid);
  await untilServing(running);
  agent = await openSession(running, { resume: agent.hello.resume });
  t.equal(await callsOf(() => child), 1, 'three, less the two before');
  t.equal(await callsOf(() => narrowLease(lease, ['budget', { calls: 99 }])), 2, 'five, less three');
  t.equal(await use(lease), 'LEASE_BUDGET');
});
