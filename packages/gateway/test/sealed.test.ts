import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditQueryResult, CheckpointResult, GatewayStatus, LogChunk, LogSegment } from '@airlock/protocol';
import t from 'tap';
import { refusalOf, startWorld, type World } from './support/world.js';

let world: World;
t.afterEach(() => world.stop());

t.test('a bad configuration starts sealed: agents are told, the operator can look', async (t) => {
  for (const rawConfig of [
    '{',
    '{"v":1}',
    '{"v":1,"invalid":{"message":"airlock.yaml: totp.digits: found 9","hint":"allowed: 6, 7, 8"}}',
  ]) {
    world = await startWorld({ rawConfig });
    const [agent, operator] = [await world.connect('agent/default'), await world.operator()];
    t.equal((await refusalOf(agent.call('hello', { client: 'x', protocol: 1 }))).code, 'CONFIG_INVALID');
    t.equal((await operator.call<GatewayStatus>('status')).sealed?.code, 'CONFIG_INVALID');
    t.ok(await operator.call('kind.list'));
    t.ok(await operator.call('service.list'));
    t.ok(await operator.call('audit.query', {}));
    t.equal((await refusalOf(operator.call('service.add', { ticket: 'none' }))).code, 'CONFIG_INVALID');
    await world.stop();
  }
});

t.test('a damaged log seals: every call is refused with AUDIT_UNAVAILABLE, the operator can read it', async (t) => {
  world = await startWorld();
  const agent = await world.agent();
  const { text } = world.totp.issue({ session: agent.session });
  await world.settle();
  const params = { lease: text, service: 'mail', operation: 'search', params: {} };
  t.ok(await agent.call('call', params));
  await world.gateway?.close();
  const dir = join(world.stateDir, 'audit');
  const segment = readdirSync(dir).find((name) => name.endsWith('.jsonl')) ?? '';
  const lines = world
    .records()
    .map((record, index) => JSON.stringify(index === 1 ? { ...record, event: 'nothing_happened' } : record));
  writeFileSync(join(dir, segment), `${lines.join('\n')}\n`, { mode: 0o600 });
  await world.start();
  const operator = await world.operator();
  t.equal((await operator.call<GatewayStatus>('status')).sealed?.code, 'AUDIT_UNAVAILABLE');
  const again = await world.connect('agent/default');
  t.equal(
    (await refusalOf(again.call('hello', { client: 'x', protocol: 1, resume: agent.hello?.resume }))).code,
    'AUDIT_UNAVAILABLE',
  );
  t.ok((await operator.call<{ segments: LogSegment[] }>('log.segments')).segments.length > 0);
  t.equal((await refusalOf(operator.call('audit.checkpoint'))).code, 'AUDIT_UNAVAILABLE');
});

t.test('a log that cannot be opened seals, and starting does not fail', async (t) => {
  world = await startWorld({ prepare: ({ stateDir }) => writeFileSync(join(stateDir, 'audit'), 'in the way') });
  const operator = await world.operator();
  t.equal((await operator.call<GatewayStatus>('status')).sealed?.code, 'AUDIT_UNAVAILABLE');
});

t.test('audit.query filters and pages; lines are as they stand', async (t) => {
  world = await startWorld();
  const [agent, operator] = [await world.agent(), await world.operator()];
  const { text } = world.totp.issue({ session: agent.session });
  await world.settle();
  for (let n = 0; n < 30; n += 1) await agent.call('call', { lease: text, service: 'mail', operation: 'search', params: {} });
  const query = (params: object) => operator.call<AuditQueryResult>('audit.query', params);
  const all = await query({});
  t.same(
    all.lines.map((line) => JSON.parse(line) as object),
    world.records(),
  );
  t.equal(all.next, null);
  t.equal((await query({ event: 'operation' })).lines.length, 30);
  t.equal((await query({ service: 'none' })).lines.length, 0);
  const last = await query({ event: 'operation', last: 3 });
  t.equal(last.lines.length, 3);
  t.equal(last.lines.at(-1), (await query({ event: 'operation' })).lines.at(-1));
  const after = (JSON.parse(all.lines[4] ?? '') as { seq: number }).seq;
  t.equal((await query({ after })).lines[0], all.lines[5]);
  t.equal((await query({ sinceMs: world.clock.wallMs() + 1 })).lines.length, 0);
  t.equal((await query({ untilMs: world.clock.wallMs() - 3_600_000 })).lines.length, 0);
});

t.test('log.read gives the bytes of a segment, and of nothing else', async (t) => {
  world = await startWorld();
  const operator = await world.operator();
  const { segments } = await operator.call<{ segments: LogSegment[] }>('log.segments');
  const chunk = await operator.call<LogChunk>('log.read', { segment: segments[0]?.name, offset: 0 });
  t.match(Buffer.from(chunk.data, 'base64url').toString(), /"event":"started"/);
  t.equal(chunk.next, null);
  for (const segment of ['../sessions.jsonl', '2026-01-01.jsonl/../x', '1999-01-01.jsonl']) {
    t.match((await refusalOf(operator.call('log.read', { segment, offset: 0 }))).code, /PARAMS_INVALID|NOT_FOUND/);
  }
});

t.test('audit.follow tells each new record once', async (t) => {
  world = await startWorld();
  const [operator, agent] = [await world.operator(), await world.agent()];
  await operator.call('audit.follow');
  await refusalOf(agent.call('access.request', { scopes: ['none'], reason: 'x' }));
  await world.advance(200);
  await world.until(() => operator.noted('audit.record').length > 0);
  const events = operator.noted('audit.record').map(({ line }) => (JSON.parse(line as string) as { event: string }).event);
  t.same(
    events.filter((event) => event !== 'checkpoint'),
    ['operation_refused'],
  );
});

t.test('heads are signed when something happened, and not for checkpoints alone (HEADS-2)', async (t) => {
  world = await startWorld();
  await world.advanceUntil(() => world.events('checkpoint').length > 0);
  const signed = world.totp.signed.length;
  t.match(world.events('checkpoint')[0]?.['note'], /^airlock-gateway\n/);
  await world.advance(5000);
  t.equal(world.totp.signed.length, signed, 'nothing new, no head');
  const agent = await world.agent();
  await refusalOf(agent.call('access.request', { scopes: ['none'], reason: 'x' }));
  await world.advanceUntil(() => world.events('checkpoint').length > 1);
  t.equal(world.totp.signed.length, signed + 1, 'negative control');
  const operator = await world.operator();
  const { head } = await operator.call<CheckpointResult>('audit.checkpoint');
  t.match(head, /^airlock-gateway\n/);
  const total = world.totp.signed.reduce((sum, { digests }) => sum + digests, 0);
  t.equal(total, world.totp.signed.at(-1)?.size, 'each digest once, none left out');
});

t.test('a log shorter than what was countersigned is shown to airlock-totp, not hidden', async (t) => {
  world = await startWorld({
    prepare: (made) => {
      made.totp.head = null;
    },
  });
  await world.advanceUntil(() => world.totp.head !== null);
  const { head } = world.totp;
  await world.stop();
  world = await startWorld({
    prepare: (made) => {
      made.totp.head = head?.replace(/\n\d+\n/, '\n5000\n') ?? null;
    },
  });
  // HEADS-4: without being asked, and once.
  const isReport = ({ size }: { readonly size: number }): boolean => size < 5000;
  await world.advanceUntil(() => world.totp.signed.some(isReport));
  await world.advance(5000);
  t.equal(world.totp.signed.filter(isReport).length, 1);
  const operator = await world.operator();
  t.equal((await refusalOf(operator.call('audit.checkpoint'))).code, 'AUDIT_UNAVAILABLE');
});

t.test('an agent that floods requests, frames and connections does not keep the operator out', async (t) => {
  world = await startWorld();
  const [agent, operator] = [await world.agent(), await world.operator()];
  const flood = Array.from({ length: 60 }, () =>
    agent.call('call', { lease: 'x', service: 'mail', operation: 'search', params: {} }).catch(() => 0),
  );
  const junk = await world.connect('agent/default');
  for (let n = 0; n < 200; n += 1) junk.connection.notify('nonsense', {});
  const crowd = [];
  for (let n = 0; n < 1100; n += 1) crowd.push(world.connect('agent/other').catch(() => null));
  await Promise.all([...flood, ...crowd]);
  t.ok(await operator.call('status'));
  t.ok(await world.operator());
  await world.advance(1500);
  t.ok(world.records().length < 100, `folded: ${world.records().length}`);
  t.ok(world.events('protocol_violation').length >= 1);
});

t.test('a segment of another day is followed and read too', async (t) => {
  world = await startWorld();
  const operator = await world.operator();
  await operator.call('audit.follow');
  world.clock.advance(2 * 86_400_000);
  const agent = await world.agent();
  await refusalOf(agent.call('access.request', { scopes: ['none'], reason: 'x' }));
  await world.advance(300);
  await world.until(() => operator.noted('audit.record').length > 0);
  t.equal((await operator.call<{ segments: LogSegment[] }>('log.segments')).segments.length, 2);
});
