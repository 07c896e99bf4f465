/** What the operator asks for and cannot have: each refusal says why, and nothing is changed by it. OPERATOR-1, OPERATOR-2. */
import {
  destinationDigest,
  digestOfPins,
  pinsOf,
  type Action,
  type GatewayStatus,
  type Json,
  type ListedOperation,
  type PolicyTest,
  type ServiceList,
  type ServiceTools,
  type SessionList,
} from '@airlock/protocol';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { DESTINATION, entry, MANIFEST, refusalOf, sealed, startWorld, type Client, type World } from './support/world.js';

const TRIAL = Buffer.alloc(32, 5).toString('base64url');
const LISTER = { ...DESTINATION, kind: 'lister' };

type Members = Readonly<Record<string, Json>>;
const policy = (id: string, rules: readonly Members[], more: Members = {}): Members => ({
  ...{ id, name: id, description: 'for a test', status: 'active', blocked_commands: [], rules },
  ...more,
});
const POLICIES = [
  policy('careful', [{ id: 'risky', decision: 'allow', operations: ['get'], maxRisk: 0.5 }]),
  policy('quiet', [
    { id: 'secret', decision: 'deny', operations: ['search'], when: ['query matches "*secret*"'], reason: 'not that' },
  ]),
];

let world: World;
let operator: Client;
const begin = async (options: Parameters<typeof startWorld>[0] = {}): Promise<void> => {
  world = await startWorld(options);
  operator = await world.operator();
};
t.afterEach(() => world.stop());

let tickets = 0;
const ticketFor = (action: Action, trial: string | null = null): string => {
  tickets += 1;
  const ticket = `ticket-${tickets}`;
  world.totp.actions.set(ticket, { action, operator: 'default', trial });
  return ticket;
};
const refused = async (method: string, params: object): Promise<string> => {
  const { code, message } = await refusalOf(operator.call(method, params));
  return `${code}: ${message}`;
};
const stored = (): string => readFileSync(join(world.stateDir, 'vault/default/mail.json'), 'utf8');
const putAction = (change: object = {}): Action => ({
  verb: 'credentials.add',
  params: { service: 'mail', kind: 'fake', destination: DESTINATION, fields: ['password'], test: false, ...change },
});
const addAction = (change: object = {}): Action => ({
  verb: 'service.add',
  params: { service: 'box', kind: 'fake', settings: {}, destination: DESTINATION, fields: ['password'], test: false, ...change },
});

t.test('a credential without a record, or of another kind than the service, is not stored', async (t) => {
  await begin();
  const before = stored();
  t.match(await refused('credentials.put', { ticket: ticketFor(putAction()) }), /^PARAMS_INVALID: params\.record/);
  const other = ticketFor(putAction({ kind: 'other' }));
  t.match(
    await refused('credentials.put', { ticket: other, record: sealed('mail', 2) }),
    /^PARAMS_INVALID: the service is of kind fake/,
  );
  t.equal(stored(), before);
});

t.test('a record is removed whole: some of its fields alone are refused', async (t) => {
  await begin();
  const before = stored();
  const some: Action = { verb: 'credentials.remove', params: { service: 'mail', fields: ['token'] } };
  t.match(await refused('credentials.remove', { ticket: ticketFor(some) }), /^PARAMS_INVALID: .* removed whole/);
  t.equal(stored(), before);
  t.same(world.totp.removed, []);
});

t.test('a service of a kind that is not installed, or one there is already, is not added', async (t) => {
  await begin();
  const gone = ticketFor(addAction({ kind: 'gone', destination: { ...DESTINATION, kind: 'gone' } }));
  t.match(await refused('service.add', { ticket: gone }), /^SERVICE_UNKNOWN: no connector of kind gone is installed/);
  const before = stored();
  t.match(
    await refused('service.add', { ticket: ticketFor(addAction({ service: 'mail' })) }),
    /^PARAMS_INVALID: there is a service mail already/,
  );
  t.equal(stored(), before);
});

t.test('an unknown service is named, with those there are', async (t) => {
  await begin({ services: ['mail', 'box'] });
  for (const method of ['service.tools', 'service.stderr', 'credentials.record']) {
    const { code, data } = await refusalOf(operator.call(method, { service: 'none' }));
    t.match({ code, data }, { code: 'SERVICE_UNKNOWN', data: { expected: 'box, mail', found: 'none' } }, method);
  }
  t.same(await operator.call('service.stderr', { service: 'mail' }), { service: 'mail', text: null, at: null });
  await world.stop();
  await begin({ services: [] });
  const { data } = await refusalOf(operator.call('service.stderr', { service: 'mail' }));
  t.match(data, { expected: 'none' });
});

t.test('a service whose kind is gone is listed under its kind', async (t) => {
  await begin({
    prepare: ({ stateDir }) => {
      const gone = entry('old').replaceAll('"fake"', '"gone"');
      writeFileSync(join(stateDir, 'vault/default/old.json'), gone, { mode: 0o600 });
    },
  });
  const { services } = await operator.call<ServiceList>('service.list');
  t.match(services, [
    { service: 'mail', title: 'Fake mail' },
    { service: 'old', kind: 'gone', title: 'gone' },
  ]);
});

t.test('OPERATOR-1: where the state cannot be used, what is asked of it is refused with the reason', async (t) => {
  await begin({
    prepare: (made) => {
      mkdirSync(made.path('moved'));
      symlinkSync(made.path('moved'), join(made.stateDir, 'listed'));
    },
  });
  t.same((await operator.call<ServiceList>('service.list')).services, []);
  for (const method of ['credentials.record', 'service.stderr', 'service.tools'])
    t.match(await refused(method, { service: 'mail' }), /^VAULT_UNREADABLE/, method);
});

t.test('an operator that is not configured is told so', async (t) => {
  await begin({ config: { operators: ['another'] } });
  t.same((await operator.call<ServiceList>('service.list')).services, []);
  for (const method of ['credentials.record', 'service.tools'])
    t.match(await refused(method, { service: 'mail' }), /^CONFIG_INVALID: operator default is not configured/, method);
});

t.test('OPERATOR-2: an airlock-totp that hands out another action, or one of another form, changes nothing', async (t) => {
  await begin();
  const before = stored();
  world.totp.isCareless = true;
  const other = ticketFor({ verb: 'service.test', params: { service: 'mail' } });
  t.match(await refused('service.remove', { ticket: other }), /^NOT_AUTHENTICATED: the ticket is of another action/);
  const upwards = ticketFor({ verb: 'service.remove', params: { service: '../default/mail' } });
  t.match(await refused('service.remove', { ticket: upwards }), /^PARAMS_INVALID/);
  const restore = ticketFor({ verb: 'service.test', params: { service: 'mail' } });
  t.match(await refused('service.restore', { ticket: restore, entry: entry('mail'), listed: '' }), /^NOT_AUTHENTICATED/);
  t.equal(stored(), before);
});

t.test('no login is tried without a trial that was approved', async (t) => {
  await begin();
  const ticket = ticketFor({ verb: 'service.test', params: { service: 'mail' } });
  t.match(await refused('service.test', { ticket }), /^NOT_AUTHENTICATED: no trial was approved/);
  t.equal(world.cells.opened.length, 0);
});

const listedOf = (name: string, hash = '0'.repeat(64)): ListedOperation => {
  const [operation] = MANIFEST.operations;
  if (operation === undefined) throw new Error('none');
  return { operation: { ...operation, name }, hash };
};

t.test('LISTED-3: what a service lists at its trial is accepted with it; what it lists later waits for a code', async (t) => {
  await begin({
    prepare: (made) =>
      writeFileSync(made.path('connectors/lister.json'), JSON.stringify({ ...MANIFEST, kind: 'lister', listed: true })),
  });
  const [draft, purge] = [listedOf('draft'), listedOf('purge', '1'.repeat(64))];
  world.cells.test = () => ({ listed: [draft] });
  const action = addAction({ kind: 'lister', destination: LISTER, test: true });
  const record = sealed('box', 1, { destination: destinationDigest(LISTER) });
  t.match(await refused('service.add', { ticket: ticketFor(action, TRIAL), record: sealed('box') }), /^VAULT_UNREADABLE/);
  t.ok(await operator.call('service.add', { ticket: ticketFor(action, TRIAL), record }));
  const tools = (): Promise<ServiceTools> => operator.call<ServiceTools>('service.tools', { service: 'box' });
  t.match(await tools(), { accepted: [draft], offered: null, changes: [], digest: null });

  world.cells.test = () => ({ listed: [draft, purge] });
  const test = ticketFor({ verb: 'service.test', params: { service: 'box' } }, TRIAL);
  t.same(await operator.call('service.test', { ticket: test }), { ok: true });
  const digest = digestOfPins(pinsOf([draft, purge]));
  t.match(await tools(), { accepted: [draft], offered: [draft, purge], changes: ['+ purge (read)'], digest });

  const accept = (change: object): string =>
    ticketFor({ verb: 'service.accept', params: { service: 'box', digest, changes: ['+ purge (read)'], ...change } });
  for (const change of [{ digest: 'f'.repeat(64) }, { changes: ['+ archive (read)'] }])
    t.match(await refused('service.accept', { ticket: accept(change) }), /^NOT_FOUND: box lists something else by now/);
  t.match(await refused('service.accept', { ticket: accept({ service: 'mail' }) }), /^NOT_FOUND: mail lists something else/);
  t.match(await operator.call('service.accept', { ticket: accept({}) }), { accepted: [draft, purge], offered: null });
  t.match(world.events('config_changed').at(-1), { verb: 'service.accept', service: 'box', digest });

  world.cells.test = () => ({});
  const silent = ticketFor({ verb: 'service.test', params: { service: 'box' } }, TRIAL);
  t.ok(await operator.call('service.test', { ticket: silent }), 'a service may list nothing');
  t.match(await tools(), { accepted: [draft, purge], offered: [], changes: ['- draft', '- purge'] });
});

/** How a call of the service mail would be decided. */
const asked = (params: object): Promise<PolicyTest> =>
  operator.call<PolicyTest>('policy.test', { role: 'default', service: 'mail', ...params });

t.test('policy.test answers as a call would be decided: with its parameters, its client, its risk and the reason', async (t) => {
  await begin({ config: { rules: { policies: POLICIES, attachments: { '*': ['careful', 'quiet'] } } } });
  t.match(await asked({ operation: 'get' }), { decision: 'allow', policy: 'careful', maxRisk: 0.5 });
  t.match(await asked({ operation: 'search', params: { query: 'a secret' } }), { decision: 'deny', reason: 'not that' });
  t.match(await asked({ operation: 'search', params: { query: 'hello' } }), { decision: 'allow', policy: 'lease' });
  t.match(await refused('policy.test', { role: 'default', service: 'none', operation: 'get' }), /^SERVICE_UNKNOWN/);
  const { code, data } = await refusalOf(asked({ operation: 'burn' }));
  t.match({ code, data }, { code: 'OPERATION_UNKNOWN', data: { expected: 'search, get, send' } });
});

t.test('policy.test of rules that wait says what a code would change, and that none wait', async (t) => {
  const rules = { policies: POLICIES, attachments: { '*': ['careful', 'quiet'] } };
  await begin({ config: { rules } });
  t.match(
    await refused('policy.test', { role: 'default', service: 'mail', operation: 'get', staged: true }),
    /^NOT_FOUND: no changed rules wait for a code/,
  );
  const config = JSON.parse(readFileSync(world.path('compiled/config.json'), 'utf8')) as object;
  const wider = { ...config, rules: { policies: [], attachments: {} } };
  writeFileSync(world.path('compiled/config.json'), JSON.stringify(wider));
  t.match(await operator.call('policy.reload'), { outcome: 'staged' });
  const secret = { operation: 'search', params: { query: 'a secret' } };
  t.match(await asked(secret), { decision: 'deny' });
  t.match(await asked({ ...secret, staged: true }), { decision: 'allow' });
  t.ok((await operator.call<GatewayStatus>('status')).rules.staged > 0, 'and status counts what waits');
});

t.test('policy.test with an empty client is an agent that does not say who it is', async (t) => {
  const named = policy('named', [], { requireIdentity: true });
  await begin({ config: { rules: { policies: [named], attachments: { '*': ['named'] } } } });
  t.match(await asked({ operation: 'get' }), { decision: 'allow' });
  t.match(await asked({ operation: 'get', client: '' }), { decision: 'deny', policy: 'named', rule: 'identity' });
});

t.test('session.list shows who is connected or holds a lease, and nobody else', async (t) => {
  await begin();
  const [gone, holder] = [await world.agent(), await world.agent()];
  const nameless = await world.connect('agent/other');
  await nameless.call('hello', { client: 'airlock 0.1.0', protocol: 1 });
  world.totp.issue({ session: holder.session });
  await world.until(() => world.events('lease_issued').length === 1, 'the lease');
  const list = async (): Promise<SessionList['sessions']> => (await operator.call<SessionList>('session.list')).sessions;
  t.equal((await list()).length, 3);
  for (const { connection } of [gone, holder]) connection.close();
  for (let n = 0; n < 1000 && (await list()).some(({ role, connected }) => role === 'default' && connected); n += 1);
  t.match(await list(), [
    { session: holder.session, connected: false, leases: 1, client: 'test' },
    { role: 'other', connected: true, leases: 0, client: null },
  ]);
});

t.test('unblock is for a session or for its whole role, and says how many blocks it ended', async (t) => {
  await begin();
  const unblock = (params: { role: string; session?: string }): Promise<object> =>
    operator.call('session.unblock', { ticket: ticketFor({ verb: 'unblock', params }) });
  t.same(await unblock({ role: 'default' }), { lifted: 0 });
  t.same(await unblock({ role: 'default', session: 'abcdefgh' }), { lifted: 0 });
});

t.test('status answers where the directory of the log is gone', async (t) => {
  await begin();
  rmSync(join(world.stateDir, 'audit'), { recursive: true });
  t.match(await operator.call<GatewayStatus>('status'), { audit: { freeBytes: 0 } });
});
