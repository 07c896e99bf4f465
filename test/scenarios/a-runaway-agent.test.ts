// A story: an agent is caught in a loop. It is stopped in the middle of it, says so, and goes on when the operator lets it.
import {
  addMailbox,
  obtainLease,
  openSession,
  refusalOf,
  startTestInstance,
  type AgentSession,
  type Running,
} from '@airlock/testkit';
import type { AccessStatus, SessionList } from '@airlock/protocol';
import t from 'tap';

let running: Running;
let agent: AgentSession;
let lease: string;
let next = 1000;
t.before(async () => {
  running = await startTestInstance({ cells: 3 });
  await addMailbox(running);
  agent = await openSession(running);
  ({ lease } = await obtainLease(running, agent, ['mail:read'], { ttlS: 7200 }));
});
t.teardown(async () => {
  agent.close();
  await running.stop();
});

/** A message that was deleted meanwhile, or that the agent made up: an id of the form they have, of nothing that is there. */
const look = (n: number): Promise<unknown> => {
  const id = Buffer.from(JSON.stringify(['INBOX', 0, `1604304000.M${n}P1.gone`])).toString('base64url');
  return agent.call('call', { lease, service: 'mail', operation: 'get_message', params: { id } });
};
const unread = (): Promise<unknown> => agent.call('call', { lease, service: 'mail', operation: 'count_unread', params: {} });

t.test('it tries one id after the other, and is stopped at the twenty-first that does not exist', async (t) => {
  const codes: (string | null)[] = [];
  while (codes.length < 30 && codes.at(-1) !== 'BLOCKED') codes.push(await refusalOf(look(codes.length)));
  t.equal(codes.length, 21, codes.join(' '));
  t.ok(codes.slice(0, 20).every((code) => code === 'NOT_FOUND'));
  t.equal(await refusalOf(unread()), 'BLOCKED', 'also what it may do otherwise');
});

t.test('it can find out why and for how long, and tell its human', async (t) => {
  const { blocked } = await agent.call<AccessStatus>('access.status');
  t.match(blocked, { kind: 'ids', reason: 'more than 20 different ids that do not exist in 5 minutes', retryAfterMs: 900_000 });
});

t.test('the operator sees it in status, sessions and record', async (t) => {
  const status = await running.command('airlock-ctl', ['status']);
  t.match(status.stdout, /blocked +1: airlock-ctl sessions/);
  const shown = await running.command('airlock-ctl', ['sessions']);
  t.match(shown.stdout, new RegExp(`airlock-ctl unblock default ${agent.hello.session}`));
  const { json } = await running.command('airlock-ctl', ['sessions', '--json']);
  t.match((json as SessionList).blocks, [{ role: 'default', session: agent.hello.session, kind: 'ids' }]);
  const audit = await running.command('airlock-ctl', ['audit', '--event', 'blocked', '--json']);
  t.match(audit.json, [{ event: 'blocked', anomaly: 'ids', session: agent.hello.session }]);
});

t.test('only a code lets it go on', async (t) => {
  const without = await running.command('airlock-ctl', ['unblock', 'default', agent.hello.session, '--json'], {
    stdin: '000000\n',
  });
  t.not(without.status, 0);
  t.equal(await refusalOf(unread()), 'BLOCKED', 'negative control');
  running.clock.advance(60_000);
  const lifted = await running.command('airlock-ctl', ['unblock', 'default', agent.hello.session, '--json'], {
    stdin: `${running.freshCode()}\n`,
  });
  t.match(lifted.json, { unblocked: 'default', lifted: 1 }, lifted.stderr);
  t.equal(await refusalOf(unread()), null, 'the lease it had is of use again');
  const none = await running.command('airlock-ctl', ['unblock', 'default', '--json']);
  t.match(none.json, { error: { code: 'NOT_FOUND', hint: /airlock-ctl sessions/ } }, 'nothing is left to lift');
});

t.test('left alone, it goes on after a quarter of an hour', async (t) => {
  while ((await refusalOf(look((next += 1)))) !== 'BLOCKED');
  running.clock.advance(900_000);
  t.equal(await refusalOf(unread()), null);
});
