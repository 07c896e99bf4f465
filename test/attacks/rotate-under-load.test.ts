// Attack: calls are in flight, and requests wait, while the keys are changed, again and again: nobody may see a failure. With endLeases: none but the end of a lease.
import { obtainLease, openSession, refusalOf, startTestInstance, until, type AgentSession, type Running } from '@airlock/testkit';
import t from 'tap';
import { ask, auditOf, codeNow, configWith, connectTo, countUnread, frontOf, pendingOn, UNWATCHED } from './support/house.js';
import { addSealed, approveWith, openedWith } from './support/keys.js';
import { addService, maildir } from './support/service.js';

const AGENTS = 3;
const ROTATIONS = 3;
/** Calls that are waited for once the keys are changed: several of each agent. */
const CALLS_AFTER = 60;
/** What ROTATE-4 says of a lease of before. */
const ENDED = /^LEASE_(?:REVOKED|INVALID):/;

let running: Running;
const agents: AgentSession[] = [];
t.before(async () => {
  running = await startTestInstance({ cells: AGENTS + 1, config: configWith(UNWATCHED) });
  await addSealed(running, running.secret, 'sealed', 'token-that-stays');
  const link = await connectTo(running, 'approve/default');
  await addService(running, link, await approveWith(running, link, running.secret, 'service.add', maildir(running)));
  link.close();
  for (let n = 0; n < AGENTS; n += 1) agents.push(await openSession(running));
});
t.teardown(async () => {
  for (const agent of agents) agent.close();
  await running.stop();
});

interface Seen {
  served: number;
  ended: number;
  readonly failures: string[];
}

/** Code and words of a refusal; null where it was served. */
const refused = async (asking: Promise<unknown>): Promise<string | null> => {
  try {
    await asking;
    return null;
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code}: ${message}`;
  }
};

/** Calls until its lease has ended. */
const callUntilEnded = async (agent: AgentSession, lease: string, seen: Seen, isOver: () => boolean): Promise<void> => {
  while (!isOver()) {
    const said = await refused(countUnread(agent, lease));
    if (said === null) seen.served += 1;
    else if (ENDED.test(said)) {
      seen.ended += 1;
      return;
    } else seen.failures.push(said);
  }
};

/** What needs no lease goes on all the time. */
const askUntil = async (agent: AgentSession, seen: Seen, isOver: () => boolean): Promise<void> => {
  while (!isOver()) {
    const said = await refused(agent.call('services.list', {}));
    if (said === null) seen.served += 1;
    else seen.failures.push(said);
    await new Promise((resolve) => setImmediate(resolve));
  }
};

const rotateUnderLoad = async (
  t: Pick<typeof import('tap').t, 'equal'>,
  params: { readonly endLeases?: boolean },
): Promise<Seen> => {
  const seen: Seen = { served: 0, ended: 0, failures: [] };
  for (let round = 0; round < ROTATIONS; round += 1) {
    const leases: string[] = [];
    for (const agent of agents) {
      running.clock.advance(90_000);
      const { lease } = await obtainLease(running, agent, ['mail:read']);
      leases.push(lease);
      // Its cell stands before time is moved again: a ticket lasts for ten seconds.
      await until('a cell', async () => (await refusalOf(countUnread(agent, lease))) === null);
    }
    // Time is moved while nothing is in flight; then calls run, and the code that was read before is given.
    const link = await connectTo(running, 'approve/default');
    await ask(link, 'action.open', { verb: 'rotate', params });
    running.clock.advance(((await pendingOn(link)).front?.waitS ?? 0) * 1000 + 30_000);
    const { id: request, digest, match } = await frontOf(link);
    let isOver = false;
    const busy = agents.map((agent, n) => callUntilEnded(agent, leases[n] ?? '', seen, () => isOver));
    const asking = askUntil(agents[0] as AgentSession, seen, () => isOver);
    const before = seen.served;
    await until('calls in flight', () => seen.served > before + AGENTS);
    const code = codeNow(running);
    t.equal(await refusalOf(ask(link, 'request.approve', { request, digest, match, code })), null, `rotation ${round}`);
    link.close();
    const approved = seen.served;
    if (params.endLeases !== true)
      await until('calls after it', () => seen.served > approved + CALLS_AFTER || seen.failures.length > 0);
    else await Promise.all(busy);
    isOver = true;
    await Promise.all([...busy, asking]);
  }
  return seen;
};

t.test('ROTATE-2: with calls in flight no call fails at all, and the leases of before go on', async (t) => {
  const seen = await rotateUnderLoad(t, {});
  t.same(seen.failures, [], 'no failure');
  t.equal(seen.ended, 0, 'no lease ended');
  t.ok(seen.served > CALLS_AFTER * ROTATIONS, `${seen.served} calls were served`);
  t.equal((await auditOf(running, 'started')).length, 2, 'no daemon started anew');
  t.equal((await auditOf(running, 'keys_rotated')).filter(({ leases }) => leases === 'kept').length, ROTATIONS);
  t.equal(await openedWith(running, running.secret, 'sealed'), 'token-that-stays');
});

t.test('ROTATE-4: with endLeases no call fails but for the end of its lease, and new leases work at once', async (t) => {
  const seen = await rotateUnderLoad(t, { endLeases: true });
  t.same(seen.failures, [], 'no failure');
  t.equal(seen.ended, AGENTS * ROTATIONS, 'each lease ended, each by the rotation');
  t.ok(seen.served > AGENTS * ROTATIONS, `${seen.served} calls were served`);
  t.equal((await auditOf(running, 'started')).length, 2, 'no daemon started anew');
  t.equal((await auditOf(running, 'keys_rotated')).filter(({ leases }) => leases === 'ended').length, ROTATIONS);
  t.equal(await openedWith(running, running.secret, 'sealed'), 'token-that-stays');
});

t.test('a request that waits is approved after the rotation with the same phone', async (t) => {
  const [agent] = agents as [AgentSession];
  running.clock.advance(90_000);
  const link = await connectTo(running, 'approve/default');
  t.equal(await refusalOf(approveWith(running, link, running.secret, 'rotate', {})), null);
  link.close();
  const { lease } = await obtainLease(running, agent, ['mail:read']);
  t.equal(await refusalOf(countUnread(agent, lease)), null);
});

t.test('a cell that comes too late with its ticket is no fault of the agent', async (t) => {
  const [agent] = agents as [AgentSession];
  running.clock.advance(90_000);
  const seen = new Set<string | null>();
  for (let n = 0; n < 3; n += 1) {
    const { lease } = await obtainLease(running, agent, ['mail:read']);
    const asked = Promise.all(Array.from({ length: 4 }, () => refused(countUnread(agent, lease))));
    // As if the machine had slept.
    running.clock.advance(60_000);
    for (const said of await asked) seen.add(said);
  }
  t.same(
    [...seen].filter((said) => said !== null && !said.startsWith('UNAVAILABLE: the cell was not ready in time')),
    [],
  );
});
