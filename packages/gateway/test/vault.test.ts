import { chmodSync, existsSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  AirlockError,
  type Action,
  type GatewayStatus,
  type KindList,
  type RecordResult,
  type ServiceChanged,
  type ServiceList,
} from '@airlock/protocol';
import t from 'tap';
import { DESTINATION, MANIFEST, entry, refusalOf, sealed, startWorld, type Client, type World } from './support/world.js';

let world: World;
let operator: Client;
t.beforeEach(async () => {
  world = await startWorld();
  operator = await world.operator();
});
t.afterEach(() => world.stop());

let tickets = 0;
const ticketFor = (action: Action, trial: string | null = null): string => {
  tickets += 1;
  const ticket = `ticket-${tickets}`;
  world.totp.actions.set(ticket, { action, operator: 'default', trial });
  return ticket;
};
const TRIAL = Buffer.alloc(32, 5).toString('base64url');
const addAction = (service: string, test = true): Action => ({
  verb: 'service.add',
  params: { service, kind: 'fake', settings: {}, destination: DESTINATION, fields: ['password'], test },
});
const putAction = (test = true): Action => ({
  verb: 'credentials.add',
  params: { service: 'mail', kind: 'fake', destination: DESTINATION, fields: ['password'], test },
});
const stored = (service: string): string => readFileSync(join(world.stateDir, `vault/default/${service}.json`), 'utf8');

t.test('service.add: login tried in a trial cell, stored, committed, served', async (t) => {
  const { service } = await operator.call<ServiceChanged>('service.add', {
    ticket: ticketFor(addAction('box'), TRIAL),
    record: sealed('box'),
  });
  t.match(service, { service: 'box', kind: 'fake', title: 'Fake mail', fields: ['password'] });
  t.match(world.cells.opened[0]?.params, { lease: 'trial', service: 'box', ticket: TRIAL });
  t.equal(world.cells.tests, 1);
  t.match(world.totp.committed, [{ service: 'box', version: 1 }]);
  t.match(world.events('config_changed')[0], { verb: 'service.add', service: 'box' });
  t.notOk(existsSync(join(world.stateDir, 'vault/default/box.next')));
  const agent = await world.agent();
  t.equal((await agent.call<{ service: string }[]>('services.list')).length, 2);
  const { record } = await operator.call<RecordResult>('credentials.record', { service: 'box' });
  t.same(record, sealed('box'));
  t.equal((await operator.call<GatewayStatus>('status')).cells.live, 0, 'the trial cell is gone');
});

t.test('a login that fails stores nothing and leaves the old record as it was', async (t) => {
  const before = stored('mail');
  world.cells.test = () => {
    throw new AirlockError('UPSTREAM_REFUSED', 'the server refused the login', { found: 'bad_credentials' });
  };
  const refusal = await refusalOf(
    operator.call('credentials.put', { ticket: ticketFor(putAction(), TRIAL), record: sealed('mail', 2) }),
  );
  t.equal(refusal.code, 'UPSTREAM_REFUSED');
  t.equal(refusal.data.found, 'bad_credentials');
  t.equal(stored('mail'), before);
  t.same(world.totp.committed, []);
  t.equal(world.events('config_changed').length, 0);
});

t.test('a record of another service, owner, destination or an older version is refused', async (t) => {
  const before = stored('mail');
  for (const record of [
    sealed('other', 2),
    sealed('mail', 2, { owner: 'eve' }),
    sealed('mail', 2, { destination: '0'.repeat(64) }),
    sealed('mail', 1),
  ]) {
    const refusal = await refusalOf(operator.call('credentials.put', { ticket: ticketFor(putAction(false)), record }));
    t.equal(refusal.code, 'VAULT_UNREADABLE');
  }
  const broken = { ...sealed('mail', 2), header: 'e30' };
  t.equal(
    (await refusalOf(operator.call('credentials.put', { ticket: ticketFor(putAction(false)), record: broken }))).code,
    'PARAMS_INVALID',
  );
  t.equal(stored('mail'), before);
  await operator.call('credentials.put', { ticket: ticketFor(putAction(false)), record: sealed('mail', 2) });
  t.not(stored('mail'), before, 'negative control');
});

t.test('OPERATOR-2: no ticket, a used one, or one of another verb changes nothing', async (t) => {
  const ticket = ticketFor(addAction('box', false));
  t.equal((await refusalOf(operator.call('service.remove', { ticket }))).code, 'NOT_AUTHENTICATED');
  await operator.call('service.add', { ticket, record: sealed('box') });
  t.equal((await refusalOf(operator.call('service.add', { ticket, record: sealed('box') }))).code, 'NOT_AUTHENTICATED');
  t.equal((await refusalOf(operator.call('service.add', { ticket: 'none' }))).code, 'NOT_AUTHENTICATED');
});

t.test('settings that lead elsewhere than what was approved are refused', async (t) => {
  const action: Action = {
    verb: 'service.add',
    params: { service: 'box', kind: 'fake', settings: {}, destination: { ...DESTINATION, user: 'eve' }, fields: [], test: false },
  };
  t.equal((await refusalOf(operator.call('service.add', { ticket: ticketFor(action) }))).code, 'PARAMS_INVALID');
});

t.test('STORE-2: refused by airlock-totp, the old record stands', async (t) => {
  const before = stored('mail');
  world.totp.refuse.set('record.committed', new AirlockError('PARAMS_INVALID', 'no such version was ever sealed'));
  t.equal(
    (await refusalOf(operator.call('credentials.put', { ticket: ticketFor(putAction(false)), record: sealed('mail', 2) }))).code,
    'PARAMS_INVALID',
  );
  t.equal(stored('mail'), before);
  t.notOk(existsSync(join(world.stateDir, 'vault/default/mail.next')));
});

t.test('STORE-3: durable but not acknowledged, it is offered again after a restart', async (t) => {
  const before = stored('mail');
  world.totp.refuse.set('record.committed', new AirlockError('UNAVAILABLE', 'no'));
  t.equal(
    (await refusalOf(operator.call('credentials.put', { ticket: ticketFor(putAction(false)), record: sealed('mail', 2) }))).code,
    'UNAVAILABLE',
  );
  t.equal(stored('mail'), before);
  t.ok(existsSync(join(world.stateDir, 'vault/default/mail.next')));
  world.totp.refuse.clear();
  await world.restart();
  await world.up();
  await world.until(() => world.totp.committed.length === 1);
  await world.settle();
  t.match(stored('mail'), sealed('mail', 2).header);
  t.notOk(existsSync(join(world.stateDir, 'vault/default/mail.next')));
});

t.test('a new credential ends the cells that have the old one', async (t) => {
  const agent = await world.agent();
  const { text } = world.totp.issue({ session: agent.session });
  await world.until(() => world.cells.opened.length === 1);
  await agent.call('call', { lease: text, service: 'mail', operation: 'search', params: {} });
  await operator.call('credentials.put', { ticket: ticketFor(putAction(false)), record: sealed('mail', 2) });
  await agent.call('call', { lease: text, service: 'mail', operation: 'search', params: {} });
  t.equal(world.cells.opened.length, 2);
  t.same(world.cells.opened[1]?.params.record, sealed('mail', 2));
});

t.test('credentials.remove takes the whole record, service.remove the definition too', async (t) => {
  const agent = await world.agent();
  const { text } = world.totp.issue({ session: agent.session });
  await world.settle();
  const some: Action = { verb: 'credentials.remove', params: { service: 'mail', fields: ['password'] } };
  const { service } = await operator.call<ServiceChanged>('credentials.remove', { ticket: ticketFor(some) });
  t.equal(service.updatedAt, null);
  t.same(world.totp.removed, ['mail']);
  const call = () => refusalOf(agent.call('call', { lease: text, service: 'mail', operation: 'search', params: {} }));
  t.equal((await call()).code, 'VAULT_UNREADABLE');
  t.equal((await refusalOf(operator.call('credentials.record', { service: 'mail' }))).code, 'NOT_FOUND');
  await operator.call('service.remove', { ticket: ticketFor({ verb: 'service.remove', params: { service: 'mail' } }) });
  t.equal((await call()).code, 'SERVICE_UNKNOWN');
  t.same((await operator.call<ServiceList>('service.list')).services, []);
});

t.test('service.test logs in with what is stored', async (t) => {
  const ticket = ticketFor({ verb: 'service.test', params: { service: 'mail' } }, TRIAL);
  t.same(await operator.call('service.test', { ticket }), { ok: true });
  t.same(world.cells.opened[0]?.params.record, sealed('mail'));
});

t.test('a kind that is installed later needs no restart; a bad manifest stops no other', async (t) => {
  writeFileSync(world.path('connectors/bad.json'), '{"connector": 1, "kind": "bad"}');
  writeFileSync(world.path('connectors/worse.json'), 'not json');
  writeFileSync(world.path('connectors/liar.json'), JSON.stringify(MANIFEST));
  writeFileSync(world.path('connectors/late.json'), JSON.stringify({ ...MANIFEST, kind: 'late' }));
  const { kinds, problems } = await operator.call<KindList & { problems: { file: string }[] }>('kind.list');
  t.same(kinds.map(({ kind }) => kind).sort(), ['fake', 'late']);
  t.equal(problems.length, 3);
  writeFileSync(world.path('connectors/later.json'), JSON.stringify({ ...MANIFEST, kind: 'later' }));
  const action: Action = {
    verb: 'service.add',
    params: {
      service: 'box',
      kind: 'later',
      settings: {},
      destination: { ...DESTINATION, kind: 'later' },
      fields: [],
      test: false,
    },
  };
  t.ok(await operator.call('service.add', { ticket: ticketFor(action) }), 'met for the first time in an action');
});

t.test('STATE-1, STATE-2: a linked, foreign or malformed file is refused and named; the others go on', async (t) => {
  const dir = join(world.stateDir, 'vault/default');
  writeFileSync(world.path('elsewhere.json'), entry('linked'), { mode: 0o600 });
  symlinkSync(world.path('elsewhere.json'), join(dir, 'linked.json'));
  writeFileSync(join(dir, 'open.json'), entry('open'), { mode: 0o600 });
  chmodSync(join(dir, 'open.json'), 0o666);
  writeFileSync(join(dir, 'other.json'), entry('mail'), { mode: 0o600 });
  writeFileSync(join(dir, 'junk.json'), '{"v":1}', { mode: 0o600 });
  await world.restart();
  const again = await world.operator();
  const { services } = await again.call<ServiceList>('service.list');
  t.same(
    services.map(({ service }) => service),
    ['mail'],
  );
  const { problems } = await again.call<{ problems: { file: string; problem: string }[] }>('status');
  t.same(
    problems.map(({ file }) => file),
    ['default/junk.json', 'default/linked.json', 'default/open.json', 'default/other.json'],
  );
  t.match(problems[1]?.problem, /symbolic link/);
  t.match(problems[2]?.problem, /written by others/);
});

t.test('a symlinked state directory seals: nothing is served, the reason is told', async (t) => {
  await world.gateway?.close();
  const dir = join(world.stateDir, 'vault');
  const { renameSync } = await import('node:fs');
  renameSync(dir, world.path('moved'));
  symlinkSync(world.path('moved'), dir);
  await world.start();
  const again = await world.operator();
  const { sealed: seal } = await again.call<GatewayStatus>('status');
  t.equal(seal?.code, 'VAULT_UNREADABLE');
  const agent = await world.connect('agent/default');
  t.equal((await refusalOf(agent.call('hello', { client: 'x', protocol: 1 }))).code, 'VAULT_UNREADABLE');
  unlinkSync(dir);
});
