/** Requests that renew or free, grants that are claimed, and what policy keeps from being asked for. */
import { DEFAULT_CONFIG, type AccessStatus, type ClaimResult, type Json } from '@airlock/protocol';
import t, { type Test } from 'tap';
import { refusalOf, startWorld, type Client, type World } from './support/world.js';

type Members = Readonly<Record<string, Json>>;
const policy = (id: string, rules: readonly Members[]): Members => ({
  ...{ id, name: id, description: 'for a test', status: 'active', blocked_commands: [], rules },
});

/** @param policies of every role; writes are allowed */
const begin = async (t: Test, policies: readonly Members[] = []): Promise<{ world: World; agent: Client }> => {
  const world = await startWorld({
    config: {
      permissions: { ...DEFAULT_CONFIG.permissions, allow: ['write'] },
      rules: { policies, attachments: { '*': policies.map(({ id }) => id as string) } },
    },
  });
  t.teardown(() => world.stop());
  return { world, agent: await world.agent() };
};
const ask = (client: Client, params: object): Promise<{ request: string }> =>
  client.call('access.request', { reason: 'find the invoice', ...params });

t.test('a lease of this session is renewed with its own scopes, and the human is shown which it is', async (t) => {
  const { world, agent } = await begin(t);
  const { lease } = world.totp.issue({ session: agent.session, scopes: ['mail:read:get'] });
  await world.settle();
  await ask(agent, { renew: lease.id });
  t.match(world.totp.requests.at(-1)?.params, { scopes: ['mail:read:get'], renew: lease.id });
  await ask(agent, { renew: lease.id, scopes: ['mail:read'] });
  t.match(world.totp.requests.at(-1)?.params, { scopes: ['mail:read'], renew: lease.id }, 'or with others');
  const stranger = await world.agent();
  t.equal((await refusalOf(ask(stranger, { renew: lease.id }))).code, 'NOT_FOUND', 'of this session alone');
  t.match(await refusalOf(ask(agent, {})), { code: 'PARAMS_INVALID', data: { field: 'params.scopes' } });
  t.equal(world.totp.requests.length, 2);
});

t.test('the intent of a request is put before the human and recorded', async (t) => {
  const { world, agent } = await begin(t);
  await ask(agent, { scopes: ['mail'], intent: 'only the invoice of May' });
  t.match(world.totp.requests.at(-1)?.params, { intent: 'only the invoice of May' });
  t.match(world.events('access_requested').at(-1), { intent: 'only the invoice of May' });
});

t.test('UNATTENDED-1: the human is shown which writes a policy frees from a code of their own', async (t) => {
  const { world, agent } = await begin(t, [policy('frees', [{ id: 'send', decision: 'allow', operations: ['send'] }])]);
  await ask(agent, { scopes: ['mail:read', 'mail:write'] });
  t.match(world.totp.requests.at(-1)?.params, { unattended: ['mail:send'] });
  await ask(agent, { scopes: ['mail:read'] });
  t.notOk('unattended' in (world.totp.requests.at(-1)?.params ?? {}), 'negative control: nothing that writes');
});

t.test('no human is asked for what policy denies whatever they say', async (t) => {
  const { world, agent } = await begin(t, [
    policy('none', [
      { id: 'get', decision: 'deny', operations: ['get'] },
      { id: 'send', decision: 'deny', operations: ['send'], reason: 'not from here' },
    ]),
  ]);
  const get = await refusalOf(ask(agent, { scopes: ['mail:read:get'] }));
  t.match(get, { code: 'POLICY_DENIED', data: { field: 'params.scopes', found: 'mail:read:get' } });
  t.equal(get.message, 'the policy none (rule get) denies all of mail:read:get');
  const send = await refusalOf(ask(agent, { scopes: ['mail:read', 'mail:write'] }));
  t.equal(send.message, 'the policy none (rule send) denies all of mail:write: not from here');
  t.equal(world.totp.requests.length, 0);
  await ask(agent, { scopes: ['mail:read'] });
  t.equal(world.totp.requests.length, 1, 'negative control: some of it may be had');
});

t.test('GRANT-5, GRANT-6: what was granted unasked is claimed once, by its role, for what could be asked for', async (t) => {
  const { world, agent } = await begin(t);
  const other = await world.agent('other');
  world.totp.grant({ id: 'g-mail', intent: 'the weekly report' });
  world.totp.grant({ id: 'g-gone', scopes: ['gone:read'] });
  await world.settle();
  const listed = async (): Promise<unknown[]> => (await agent.call<AccessStatus>('access.status')).grants.map(({ id }) => id);
  t.same(await listed(), ['g-mail', 'g-gone']);
  t.equal((await refusalOf(other.call('access.claim', { grant: 'g-mail' }))).code, 'NOT_FOUND', 'of another role');
  t.equal((await refusalOf(agent.call('access.claim', { grant: 'g-gone' }))).code, 'SERVICE_UNKNOWN');
  t.ok(world.totp.grants.has('g-gone'), 'and stays');
  const { lease, intent } = await agent.call<ClaimResult>('access.claim', { grant: 'g-mail' });
  t.equal(intent, 'the weekly report');
  t.ok(await agent.call('call', { lease, service: 'mail', operation: 'search', params: {} }));
  t.match(world.events('grant_claimed'), [{ grant: 'g-mail', role: 'default', session: agent.session }]);
  t.notOk('request' in (world.events('lease_issued').at(-1) ?? {}), 'no agent asked for it');
  t.equal((await refusalOf(agent.call('access.claim', { grant: 'g-mail' }))).code, 'NOT_FOUND', 'once');
  t.same(await listed(), ['g-gone']);
});

t.test('a lease that airlock-totp has for another operator is not released', async (t) => {
  const { world, agent } = await begin(t);
  const { text, lease } = world.totp.issue({ session: agent.session, operator: 'eve' });
  await world.settle();
  const refusal = await refusalOf(agent.call('access.release', { lease: text }));
  t.match(refusal, { code: 'LEASE_INVALID', message: 'the lease is of another operator' });
  t.ok(world.totp.leases.has(lease.id));
});

t.test('an operation whose request expired says so to access.wait, without a reason where nobody gave one', async (t) => {
  const { world, agent } = await begin(t);
  const { text } = world.totp.issue({ session: agent.session, scopes: ['mail:write'] });
  await world.settle();
  const send = (query: string): Promise<unknown> =>
    agent.call('call', { lease: text, service: 'mail', operation: 'send', params: { query } });
  const endOf = async (query: string, status: 'denied' | 'expired', reason?: string): Promise<unknown> => {
    const { data } = await refusalOf(send(query));
    world.totp.decide(status, reason);
    await world.settle();
    return agent.call('access.wait', { request: data.request, timeoutS: 0 });
  };
  t.same(await endOf('one', 'expired'), { status: 'expired' });
  t.same(await endOf('two', 'denied', 'too late'), { status: 'denied', reason: 'too late' });
});
