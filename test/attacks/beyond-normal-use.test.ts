// Six ways in which an agent does what no agent does in normal use. Each is blocked at the call that is stated here. ANOM-1 to ANOM-4.
import { narrowLease } from '@airlock/lease';
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
import t, { type Test } from 'tap';
import { auditOf, countUnread } from './support/house.js';

/** One role for each attack, since what blocks one must not help another. */
const ROLES = ['floods', 'denied', 'failing', 'guessing', 'probing', 'coded', 'friend'];

let running: Running;
let friend: AgentSession;
let friendLease: string;
t.before(async () => {
  running = await startTestInstance({ roles: ['default', ...ROLES], cells: 4 });
  await addMailbox(running);
  friend = await openSession(running, { role: 'friend' });
  ({ lease: friendLease } = await obtainLease(running, friend, ['mail:read'], { ttlS: 7200 }));
});
t.teardown(async () => {
  friend.close();
  await running.stop();
});

interface Attack {
  readonly role: string;
  readonly kind: string;
  /** The number of the first call that is blocked. */
  readonly blockedAt: number;
  readonly withLease?: true;
  send(agent: AgentSession, lease: string, n: number): Promise<unknown>;
}

const mail = (agent: AgentSession, lease: string, operation: string, params: object, service = 'mail'): Promise<unknown> =>
  agent.call('call', { lease, service, operation, params });

const ATTACKS: readonly Attack[] = [
  {
    ...{ role: 'floods', kind: 'rate', blockedAt: 1001, withLease: true },
    send: (agent, lease) => countUnread(agent, lease),
  },
  {
    ...{ role: 'denied', kind: 'denials', blockedAt: 61 },
    send: (agent, _lease, n) => mail(agent, `al1.${'A'.repeat(40 + n)}.${'A'.repeat(43)}`, 'count_unread', {}),
  },
  {
    ...{ role: 'failing', kind: 'errors', blockedAt: 101, withLease: true },
    send: (agent, lease) => mail(agent, lease, 'list_messages', { limit: 'all' }),
  },
  {
    ...{ role: 'guessing', kind: 'ids', blockedAt: 21 },
    send: (agent, _lease, n) => agent.call('access.claim', { grant: `g-${String(n).padStart(10, 'a')}` }),
  },
  {
    ...{ role: 'probing', kind: 'scopes', blockedAt: 13, withLease: true },
    send: (agent, lease, n) => mail(agent, lease, 'count_unread', {}, `vault-${n}`),
  },
  {
    ...{ role: 'coded', kind: 'codes', blockedAt: 4 },
    send: (agent, _lease, n) => agent.call('access.request', { scopes: ['mail:read'], reason: `the code is 1234${n % 10}6` }),
  },
];

/** Which call was the first that was blocked; 0: none. */
const firstBlocked = async (attack: Attack, agent: AgentSession, lease: string): Promise<number> => {
  for (let n = 1; n <= attack.blockedAt + 5; n += 1) {
    // The budget of claims and the log's folding are not what is tried here.
    if (attack.kind === 'ids') running.clock.advance(10_000);
    if ((await refusalOf(attack.send(agent, lease, n))) === 'BLOCKED') return n;
  }
  return 0;
};

const isBlocked = async (t: Test, attack: Attack): Promise<void> => {
  const agent = await openSession(running, { role: attack.role });
  const lease = attack.withLease ? (await obtainLease(running, agent, ['mail:read'], { ttlS: 7200 })).lease : '';
  t.equal(await firstBlocked(attack, agent, lease), attack.blockedAt, 'at the call that crosses the line');
  t.match((await agent.call<AccessStatus>('access.status')).blocked, { kind: attack.kind, role: attack.role });
  if (lease !== '') {
    t.equal(await refusalOf(countUnread(agent, lease)), 'BLOCKED', 'the lease lives and is of no use');
    t.equal(await refusalOf(countUnread(agent, narrowLease(lease, ['scopes', ['mail:read']]))), 'BLOCKED', 'narrowed neither');
  }
  const events = (await auditOf(running, 'blocked')).filter((event) => event['role'] === attack.role);
  t.match(events, [{ anomaly: attack.kind, operator: 'default' }]);
  t.equal(await refusalOf(countUnread(friend, friendLease)), null, 'negative control: another role is served');
  agent.close();
};

for (const attack of ATTACKS)
  t.test(`${attack.kind}: the role ${attack.role} is stopped at call ${attack.blockedAt}`, (t) => isBlocked(t, attack));

t.test('ANOM-3: reconnecting and new sessions make four times as much room, and no more', async (t) => {
  let denied = 0;
  for (let n = 0; n < 12; n += 1) {
    const agent = await openSession(running, { role: 'default' });
    while ((await refusalOf(mail(agent, 'al1.x.y', 'count_unread', {}))) !== 'BLOCKED') denied += 1;
    agent.close();
  }
  t.equal(denied, 4 * 60 - 3, 'those that crossed the line of their session count too');
  const fresh = await openSession(running, { role: 'default' });
  t.equal((await fresh.call<AccessStatus>('access.status')).blocked?.session, null, 'the role is blocked');
  fresh.close();
});
