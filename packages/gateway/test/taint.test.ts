import { AirlockError, type AccessStatus, type SessionList, type Taint } from '@airlock/protocol';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Sessions } from '../src/sessions/sessions.js';
import { ManualClock } from './support/time.js';
import { refusalOf, startWorld, type Client, type World } from './support/world.js';

/** Frees the write of the fake kind from a code of its own. */
const FREES = {
  id: 'frees',
  name: 'Frees',
  description: 'a write without a code',
  status: 'active',
  blocked_commands: [],
  rules: [{ id: 'send', decision: 'allow', operations: ['send'] }],
};

let world: World;
t.beforeEach(async () => {
  world = await startWorld({
    config: {
      permissions: { default: 'read', allow: ['write'] },
      rules: { policies: [FREES], attachments: { '*': ['frees'] } },
    },
  });
  // The fake signs what it is told, also of a log that is begun again.
  world.totp.mute.add('head.sign');
});
t.afterEach(() => world.stop());

const leaseFor = async (client: Client): Promise<string> => {
  const { lease, text } = world.totp.issue({ session: client.session });
  await world.until(() => world.events('lease_issued').some((record) => record['lease'] === lease.id), 'the lease');
  return text;
};

const read = (client: Client, lease: string): Promise<unknown> =>
  client.call('call', { lease, service: 'mail', operation: 'get', params: {} });

const taintOf = async (client: Client): Promise<Taint | null> => (await client.call<AccessStatus>('access.status')).taint;

const tainted = async (): Promise<Client> => {
  const agent = await world.agent();
  await read(agent, await leaseFor(agent));
  return agent;
};

t.test('TAINT-5: status says since when and by what, the record too; the first cause stays', async (t) => {
  const agent = await world.agent();
  const lease = await leaseFor(agent);
  t.equal(await taintOf(agent), null);
  const sinceMs = world.clock.wallMs();
  await read(agent, lease);
  t.same(await taintOf(agent), { sinceMs, service: 'mail', operation: 'get' });
  world.clock.advance(5000);
  await read(agent, lease);
  t.equal((await taintOf(agent))?.sinceMs, sinceMs);
  t.match(world.events('tainted'), [{ session: agent.session, role: 'default', service: 'mail', operation: 'get' }]);
  t.equal(world.events('tainted').length, 1);
  const { sessions } = await (await world.operator()).call<SessionList>('session.list');
  t.match(sessions, [{ session: agent.session, client: 'test', taint: { service: 'mail', operation: 'get' } }]);
});

t.test('TAINT-1: an answer that does not arrive taints too', async (t) => {
  const agent = await world.agent();
  const lease = await leaseFor(agent);
  const answer = world.cells.execute;
  world.cells.execute = (...args) => {
    world.clock.advance(7_200_000);
    return answer(...args);
  };
  const refusal = await refusalOf(read(agent, lease));
  t.equal(refusal.code, 'LEASE_EXPIRED');
  t.not(await taintOf(agent), null);
});

t.test('negative control: an operation that failed in the cell gave nothing', async (t) => {
  const agent = await world.agent();
  const lease = await leaseFor(agent);
  world.cells.execute = () => {
    throw new AirlockError('UPSTREAM_TIMEOUT', 'the server did not answer');
  };
  await refusalOf(read(agent, lease));
  t.equal(await taintOf(agent), null);
});

t.test('TAINT-2: it survives a kill, also of a gateway that wrote its file anew', async (t) => {
  const agent = await tainted();
  const before = await taintOf(agent);
  for (let n = 0; n < 2; n += 1) await world.restart();
  await world.up();
  const again = await world.agent('default', agent.hello?.resume);
  t.same(await taintOf(again), before);
  rmSync(join(world.stateDir, 'sessions.jsonl'));
  await world.restart();
  await refusalOf(world.agent('default', agent.hello?.resume));
  t.equal(await taintOf(await world.agent()), null, 'negative control: without the file nothing is known');
});

t.test('TAINT-4: what one session of a role is given taints those that live already, and none of another role', async (t) => {
  const [writer, other] = [await world.agent(), await world.agent('other')];
  const reader = await world.agent();
  const lease = await leaseFor(reader);
  t.equal(await taintOf(writer), null, 'negative control');
  await read(reader, lease);
  t.match(await taintOf(writer), { service: 'mail', operation: 'get' });
  t.equal(await taintOf(other), null);
  t.same(
    world
      .events('tainted')
      .map(({ session }) => session)
      .sort(),
    [reader.session, writer.session].sort(),
  );
});

t.test('TAINT-4: a session that begins within the hour begins tainted, one of another role does not', async (t) => {
  await tainted();
  t.match(await taintOf(await world.agent()), { service: 'mail', operation: 'get' });
  t.equal(await taintOf(await world.agent('other')), null);
  await world.restart();
  await world.up();
  t.match(await taintOf(await world.agent()), { service: 'mail' }, 'a kill changes nothing about that');
  world.clock.advance(3_600_001);
  t.equal(await taintOf(await world.agent()), null, 'later it does not');
});

t.test('TAINT-3: a claim takes on the last taint of the role, however old; it makes nothing of another role', async (t) => {
  const clock = new ManualClock();
  const sessions = new Sessions(null, 'boot', clock, () => false);
  const identity = { role: 'default', operator: 'default' };
  const first = sessions.create(identity).session;
  sessions.taint(first, { sinceMs: 1, service: 'mail', operation: 'get' });
  clock.advance(86_400_000);
  const later = sessions.create(identity).session;
  t.equal(later.tainted, false, 'negative control: not by itself');
  sessions.inheritTaint(later);
  t.same(later.taint, { sinceMs: 1, service: 'mail', operation: 'get' });
  const other = sessions.create({ role: 'other', operator: 'default' }).session;
  sessions.inheritTaint(other);
  t.equal(other.taint, null);
});

t.test('TAINT-6: a write that policy and lease free from a code needs one once the session is tainted', async (t) => {
  const agent = await world.agent();
  const { lease, text } = world.totp.issue({
    session: agent.session,
    scopes: ['mail:read', 'mail:write'],
    unattended: ['mail:send'],
  });
  await world.until(() => world.events('lease_issued').some((record) => record['lease'] === lease.id), 'the lease');
  const send = (): Promise<unknown> => agent.call('call', { lease: text, service: 'mail', operation: 'send', params: {} });
  t.match(await send(), { result: { ok: true } }, 'negative control: before');
  await read(agent, text);
  t.equal((await refusalOf(send())).code, 'APPROVAL_PENDING');
  t.equal(world.cells.executed.length, 2, 'it did not run');
  t.ok(await read(agent, text), 'reading goes on');
});
