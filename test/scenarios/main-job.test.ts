// The main job through the launcher, the wire and the commands: refused, asked, approved, read, narrowed, expired, audited.
import { addMailbox, approveFront, obtainLease, openSession, refusalOf, startTestInstance, type Running } from '@airlock/testkit';
import type { AccessRequestResult, AccessStatus, AccessWaitResult, CallResult, ServiceSummary } from '@airlock/protocol';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

interface Listing {
  readonly messages: readonly { readonly id: string; readonly subject: string }[];
}

let running: Running;
t.before(async () => {
  running = await startTestInstance({ roles: ['default', 'other'] });
});
t.teardown(() => running.stop());

t.test('without a service and without a lease there is nothing', async (t) => {
  const agent = await openSession(running);
  t.same(await agent.call<ServiceSummary[]>('services.list'), []);
  t.equal(await refusalOf(agent.call('access.request', { scopes: ['mail:read'], reason: 'x' })), 'SERVICE_UNKNOWN');
  t.equal(
    await refusalOf(agent.call('call', { lease: 'al1.x.y', service: 'mail', operation: 'list_messages', params: {} })),
    'LEASE_INVALID',
  );
  agent.close();
});

t.test('ask, approve with a code, read, release', async (t) => {
  await addMailbox(running);
  const agent = await openSession(running);
  const services = await agent.call<ServiceSummary[]>('services.list');
  t.equal(services[0]?.service, 'mail');
  t.ok(services[0]?.operations.every((operation) => operation.class === 'read'));

  const asked = await agent.call<AccessRequestResult>('access.request', {
    scopes: ['mail'],
    reason: 'find the invoice',
    ttlS: 600,
  });
  t.equal(asked.status, 'pending');
  t.match(asked.match, /^\d\d$/);
  t.equal((await agent.call<AccessWaitResult>('access.wait', { request: asked.request, timeoutS: 0 })).status, 'pending');
  await approveFront(running);
  const { lease = '' } = await agent.call<AccessWaitResult>('access.wait', { request: asked.request, timeoutS: 10 });
  t.match(lease, /^al1\./);
  t.notOk(
    (await agent.call<AccessWaitResult>('access.wait', { request: asked.request, timeoutS: 0 })).lease,
    'the lease text is delivered once',
  );

  const listed = await agent.call<CallResult>('call', {
    lease,
    service: 'mail',
    operation: 'list_messages',
    params: { limit: 2 },
  });
  const { messages } = listed.result as unknown as Listing;
  t.equal(messages.length, 2);
  t.equal(messages[0]?.subject, 'Invoice 2026-1107', 'newest first');
  t.type(listed.meta.audit, 'number');
  const got = await agent.call<CallResult>('call', {
    lease,
    service: 'mail',
    operation: 'get_message',
    params: { id: messages[0]?.id ?? '' },
  });
  t.match(JSON.stringify(got.result), 'Amount due: 120.00 EUR');

  const status = await agent.call<AccessStatus>('access.status');
  t.equal(status.leases.length, 1);
  t.same(status.leases[0]?.scopes, ['mail:read']);
  await agent.call('access.release', { lease });
  t.equal(
    await refusalOf(agent.call('call', { lease, service: 'mail', operation: 'list_messages', params: {} })),
    'LEASE_REVOKED',
  );
  agent.close();
});

t.test('writing is refused before anybody is asked', async (t) => {
  const agent = await openSession(running);
  t.equal(await refusalOf(agent.call('access.request', { scopes: ['mail:write'], reason: 'x' })), 'READ_ONLY');
  const pending = await running.command('airlock-ctl', ['pending', '--json']);
  t.same(pending.json, { front: null, waiting: [] });
  agent.close();
});

t.test('arguments are checked strictly, and the refusal says how to do better', async (t) => {
  const agent = await openSession(running);
  const { lease } = await obtainLease(running, agent, ['mail:read']);
  const call = (params: object): Promise<unknown> =>
    agent.call('call', { lease, service: 'mail', operation: 'list_messages', params });
  for (const params of [
    { limit: '2' },
    { limit: 1.5 },
    { limit: 0 },
    { limit: 101 },
    { fodler: 'INBOX' },
    { folder: 'a\r\nb' },
  ]) {
    t.equal(await refusalOf(call(params)), 'PARAMS_INVALID', JSON.stringify(params));
  }
  const refusal = await call({ limit: '2' }).then(
    () => null,
    (error: unknown) => error,
  );
  t.match(refusal, { data: { field: /limit/, expected: /integer/, hint: /.+/, retry: 'with-change' } });
  t.equal(
    await refusalOf(agent.call('call', { lease, service: 'mail', operation: 'delete_message', params: {} })),
    'OPERATION_UNKNOWN',
  );
  t.equal(
    await refusalOf(agent.call('call', { lease, service: 'nosuch', operation: 'list_messages', params: {} })),
    'SERVICE_UNKNOWN',
  );
  agent.close();
});

t.test('a lease ends by itself, on the clock', async (t) => {
  const agent = await openSession(running);
  const { lease } = await obtainLease(running, agent, ['mail:read'], { ttlS: 60 });
  const call = (): Promise<unknown> => agent.call('call', { lease, service: 'mail', operation: 'count_unread', params: {} });
  t.equal(await refusalOf(call()), null);
  running.clock.advance(61_000);
  t.equal(await refusalOf(call()), 'LEASE_EXPIRED');
  agent.close();
});

t.test('a denial reaches the agent with its reason', async (t) => {
  const agent = await openSession(running, { role: 'other' });
  const { request } = await agent.call<AccessRequestResult>('access.request', { scopes: ['mail:read'], reason: 'curious' });
  const waiting = agent.call<AccessWaitResult>('access.wait', { request, timeoutS: 20 });
  const denied = await running.command('airlock-ctl', ['deny', '--reason', 'not today', '--json']);
  t.same(denied.json, { denied: [request] });
  t.match(await waiting, { status: 'denied', reason: 'not today' });
  agent.close();
});

t.test('everything is on the record, which verifies, and no code or lease text is in it', async (t) => {
  const audit = await running.command('airlock-ctl', ['audit', '--json']);
  const events = new Set((audit.json as { event: string }[]).map(({ event }) => event));
  for (const event of [
    'access_requested',
    'request_fronted',
    'totp_verified',
    'lease_issued',
    'access_denied',
    'key_released',
    'operation',
    'operation_refused',
    'lease_expired',
    'lease_released',
    'checkpoint',
  ]) {
    t.ok(events.has(event), event);
  }
  const verified = await running.command('airlock-ctl', ['audit', 'verify', '--json']);
  t.equal(verified.status, 0, verified.stdout);
  t.match(verified.json, { ok: true });
  const dir = join(running.env['AIRLOCK_STATE_DIR'] ?? '', 'gateway/audit');
  const text = readdirSync(dir)
    .map((file) => readFileSync(join(dir, file), 'utf8'))
    .join('');
  t.notMatch(text, /al1\./, 'no lease text');
});
