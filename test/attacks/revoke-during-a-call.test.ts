// Attack: let a call outlive its lease. RELEASE-5, POOL-2, CALL-9, QUEUE-12.
import {
  addFixture,
  isAlive,
  obtainLease,
  openSession,
  refusalOf,
  startWithFixture,
  until,
  type AgentSession,
  type Running,
} from '@airlock/testkit';
import type { AccessStatus, CallResult } from '@airlock/protocol';
import t from 'tap';

const CELL_DEAD_MS = 1000;

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

const call = (lease: string, operation: string, session = agent): Promise<CallResult> =>
  session.call<CallResult>('call', { lease, service: 'fixture', operation, params: {} });

interface Hanging {
  readonly lease: string;
  readonly id: string;
  readonly pid: number;
  readonly calls: Promise<(string | null)[]>;
}

/** Several calls that hang in one cell. */
const hang = async (): Promise<Hanging> => {
  const { lease } = await obtainLease(running, agent, ['fixture:read']);
  const calls = Promise.all(Array.from({ length: 5 }, () => refusalOf(call(lease, 'hang'))));
  // Answered behind the hanging calls on the same two connections, so that they are in the cell now.
  const { pid } = (await call(lease, 'pid')).result as { pid: number };
  const id = (await agent.call<AccessStatus>('access.status')).leases.at(-1)?.id ?? '';
  return { lease, id, pid, calls };
};

const dead = ({ pid }: Hanging): Promise<true> => until('the end of the cell', () => !isAlive(pid), CELL_DEAD_MS);
const ctl = (...args: string[]): Promise<{ readonly status: number; readonly json: unknown }> =>
  running.command('airlock-ctl', [...args, '--json']);

t.test('revoke: calls end with LEASE_REVOKED, the cell is dead, and another lease goes on', async (t) => {
  const [hanging, other] = [await hang(), await hang()];
  t.same((await ctl('revoke', hanging.id)).json, { revoked: [hanging.id] });
  t.same(
    await hanging.calls,
    Array.from({ length: 5 }, () => 'LEASE_REVOKED'),
  );
  await dead(hanging);
  t.equal(await refusalOf(call(hanging.lease, 'pid')), 'LEASE_REVOKED', 'the next call');
  // The negative control: what was not revoked hangs on in the cell it had.
  t.ok(isAlive(other.pid));
  t.same((await call(other.lease, 'pid')).result, { pid: other.pid });
  await agent.call('access.release', { lease: other.lease });
  t.same(
    await other.calls,
    Array.from({ length: 5 }, () => 'LEASE_REVOKED'),
    'release does the same',
  );
  await dead(other);
});

t.test('lock: calls end with LOCKED, the cell is dead; after unlock a fresh cell serves the same lease', async (t) => {
  const hanging = await hang();
  t.match((await ctl('lock')).json, { locked: true });
  t.same(
    await hanging.calls,
    Array.from({ length: 5 }, () => 'LOCKED'),
  );
  await dead(hanging);
  t.equal(await refusalOf(call(hanging.lease, 'pid')), 'LOCKED');
  const unlocked = await running.command('airlock-ctl', ['unlock', '--json'], { stdin: `${running.freshCode()}\n` });
  t.match(unlocked.json, { locked: false });
  const { pid } = (await call(hanging.lease, 'pid')).result as { pid: number };
  t.not(pid, hanging.pid, 'another process');
});

t.test('removing the service ends its cells and its calls', async (t) => {
  const hanging = await hang();
  const removed = await running.command('airlock-ctl', ['service', 'remove', 'fixture', '--json'], {
    stdin: `${running.freshCode()}\n`,
  });
  t.same(removed.json, { removed: 'fixture' }, removed.stderr);
  await dead(hanging);
  for (const code of await hanging.calls) t.not(code, null);
  t.equal(await refusalOf(call(hanging.lease, 'pid')), 'SERVICE_UNKNOWN');
});
