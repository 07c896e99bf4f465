/** What is stored of services and operations, damaged in every way that leaves a file behind. STORE-1 to STORE-4, LISTED-3. */
import { AirlockError, canonicalJson, checkListed, encodeBase64url, type Json, type ListedOperation } from '@airlock/protocol';
import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { GATEWAY_LIMITS } from '../src/limits.js';
import { ListedStore } from '../src/listed/listed-store.js';
import { parseParked, type ParkedFacts } from '../src/operations/parked.js';
import { OperationShelf } from '../src/operations/shelf.js';
import { parseEntry, versionOf } from '../src/vault/entry.js';
import { readHeader } from '../src/vault/record-header.js';
import { ServiceStore } from '../src/vault/store.js';
import { ManualClock } from './support/time.js';
import { entry, MANIFEST, sealed } from './support/world.js';

const refusalOf = (work: () => unknown): string => {
  try {
    work();
    return 'none';
  } catch (thrown) {
    return thrown instanceof AirlockError ? `${thrown.code}: ${thrown.message}` : String(thrown);
  }
};
const changed = (text: string, change: object): string => JSON.stringify({ ...(JSON.parse(text) as object), ...change });

t.test('a service that is not as it was written is refused, whatever was changed', (t) => {
  const text = entry('mail');
  const damages: Readonly<Record<string, string>> = {
    empty: '',
    cut: text.slice(0, 40),
    null: 'null',
    'a text': '"mail"',
    'a member more': changed(text, { owner: 'eve' }),
    'another version': changed(text, { v: 2 }),
    'a date that is none': changed(text, { updatedAt: 7 }),
    'a name that leads elsewhere': changed(text, { service: '../mail' }),
    'fields that are none': changed(text, { fields: 'password' }),
    'a record that is none': changed(text, { record: { header: 'x' } }),
    'a record that is a text': changed(text, { record: 'x' }),
  };
  for (const [name, damaged] of Object.entries(damages))
    t.match(
      refusalOf(() => parseEntry('mail.json', damaged)),
      /^VAULT_UNREADABLE: mail\.json is not as/,
      name,
    );
  t.equal(parseEntry('mail.json', text).service, 'mail', 'negative control');
  const without = parseEntry('mail.json', changed(text, { record: null, updatedAt: null }));
  t.equal(versionOf(without), 0, 'without a credential anything is newer');
  t.equal(versionOf(undefined), 0);
  t.end();
});

t.test('a header that is not as it is sealed is none: its bytes, its form, its members', (t) => {
  const record = sealed('mail');
  const read = (bytes: Buffer | string): string =>
    refusalOf(() => readHeader({ ...record, header: encodeBase64url(Buffer.from(bytes)) }));
  const facts: { readonly [key: string]: Json } = { owner: 'default', service: 'mail', version: 1, destination: '00' };
  const text = canonicalJson(facts);
  t.equal(read(text), 'none', 'negative control');
  const damages: Readonly<Record<string, Buffer | string>> = {
    'no UTF-8': Buffer.from([0x7b, 0xff, 0x7d]),
    'too long': canonicalJson({ ...facts, more: 'x'.repeat(1024) }),
    'no JSON': text.slice(1),
    null: 'null',
    'a list': '[]',
    'a number': '7',
    'not canonical': ` ${text}`,
    'no owner': canonicalJson({ ...facts, owner: 7 }),
    'no service': canonicalJson({ ...facts, service: null }),
    'no destination': canonicalJson({ ...facts, destination: [] }),
    'a version that is a text': canonicalJson({ ...facts, version: '1' }),
    'a version that is no integer': text.replace('"version":1', '"version":1.5'),
    'version zero': canonicalJson({ ...facts, version: 0 }),
  };
  for (const [name, bytes] of Object.entries(damages))
    t.match(read(bytes), /^PARAMS_INVALID: the record is no sealed record/, name);
  t.match(
    refusalOf(() => readHeader({ ...record, header: `${record.header}=` })),
    /^PARAMS_INVALID/,
    'padded',
  );
  t.end();
});

const storeAt = (dir: string): ServiceStore => new ServiceStore(dir, 'default');
const put = (dir: string, file: string, text: string): void => writeFileSync(join(dir, 'default', file), text, { mode: 0o600 });

t.test('STORE-1: an operator whose name would lead out of the vault has none, and what is no file of ours is left alone', (t) => {
  const dir = t.testdir({ default: {} });
  t.match(
    refusalOf(() => new ServiceStore(dir, '../eve')),
    /^CONFIG_INVALID/,
  );
  put(dir, 'README', 'a note of the operator');
  put(dir, 'mail.json', entry('mail'));
  const store = storeAt(dir);
  t.same([...store.entries.keys()], ['mail']);
  t.same(store.problems, []);
  t.end();
});

t.test('an operator with as many services as can be listed gets no more, and may change those', (t) => {
  const dir = t.testdir({ default: {} });
  for (let n = 0; n < GATEWAY_LIMITS.maxServices; n += 1) put(dir, `s${n}.json`, entry(`s${n}`));
  const store = storeAt(dir);
  t.match(
    refusalOf(() => store.checkRoom('another')),
    /^UNAVAILABLE: there are 128 services already/,
  );
  t.equal(
    refusalOf(() => store.checkRoom('s1')),
    'none',
  );
  store.remove('s0');
  t.equal(
    refusalOf(() => store.checkRoom('another')),
    'none',
  );
  t.end();
});

t.test('STORE-3: what airlock-totp does not answer for is kept for the next try, what it refuses is dropped', async (t) => {
  const dir = t.testdir({ default: {} });
  put(dir, 'mail.json', entry('mail', 1));
  put(dir, 'mail.next', entry('mail', 2));
  const store = storeAt(dir);
  await store.settle(() => Promise.reject(new AirlockError('UNAVAILABLE', 'airlock-totp does not answer')));
  t.equal(store.isSettled, false);
  t.ok(existsSync(join(dir, 'default/mail.next')));
  await store.settle(() => Promise.reject(new AirlockError('VAULT_UNREADABLE', 'no such version was ever sealed')));
  t.equal(store.isSettled, true);
  t.notOk(existsSync(join(dir, 'default/mail.next')));
  t.equal(versionOf(store.get('mail')), 1, 'the old one stands');
});

t.test('STORE-2: what was removed while airlock-totp was asked does not come back with its answer', async (t) => {
  const dir = t.testdir({ default: {} });
  put(dir, 'mail.json', entry('mail', 1));
  const store = storeAt(dir);
  await store.put(parseEntry('mail.json', entry('mail', 2)), () => {
    store.remove('mail');
    return Promise.resolve();
  });
  t.equal(store.get('mail'), undefined);
  t.same(readdirSync(join(dir, 'default')), []);
});

const listedOperation = (name: string, hash = '0'.repeat(64)): ListedOperation => {
  const [operation] = MANIFEST.operations;
  if (operation === undefined) throw new Error('none');
  return { operation: { ...operation, name }, hash };
};

t.test('LISTED-3: only files of ours are accepted, and what was removed is offered to nobody, also after a restart', (t) => {
  const dir = t.testdir({});
  const open = (): ListedStore => new ListedStore(dir, 'default');
  const store = open();
  store.accept('mail', [listedOperation('draft')]);
  const path = join(dir, 'default');
  writeFileSync(join(path, 'notes.txt'), 'a note');
  writeFileSync(join(path, 'old.json'), '{"v":0,"accepted":[]}', { mode: 0o600 });
  writeFileSync(join(path, 'cut.json'), '{"v":1', { mode: 0o600 });
  symlinkSync(join(path, 'mail.json'), join(path, 'link.json'));
  const again = open();
  t.same([...again.operations('mail').keys()], ['draft']);
  t.same(
    again.problems.map(({ file }) => file),
    ['cut.json', 'link.json', 'old.json'],
  );
  for (const service of ['cut', 'link', 'old', 'notes']) t.same(again.accepted(service), [], service);
  again.remove('mail');
  again.remove('mail');
  t.same(again.accepted('mail'), []);
  t.same(open().accepted('mail'), []);
  t.end();
});

t.test('LISTED-4: a list of a stranger is refused for its form, its size, and a name that stands twice', (t) => {
  const refused = (value: unknown, taken: string[] = []): string =>
    refusalOf(() => checkListed(value, new Map(taken.map((name) => [name, name]))));
  const draft = listedOperation('draft');
  t.equal(refused([draft, listedOperation('purge')]), 'none', 'negative control');
  t.match(refused(null), /^UPSTREAM_REFUSED: the list of operations is refused: params/);
  t.match(refused([{ ...draft, hash: 'x' }]), /^UPSTREAM_REFUSED: .*: params\.0\.hash/);
  t.match(refused([draft, draft]), /^UPSTREAM_REFUSED: .*: a name stands twice/);
  t.match(refused([draft], ['draft']), /^UPSTREAM_REFUSED: .*: a name stands twice/, 'one of the kind');
  const large = Array.from({ length: 400 }, (_, n) => {
    const { operation, hash } = listedOperation(`large${n}`);
    return { operation: { ...operation, params: { type: 'object', description: 'x'.repeat(10_000) } }, hash };
  });
  t.match(refused(large), /^UPSTREAM_REFUSED: .*: it is too large/);
  t.equal(refused(large.slice(0, 100)), 'none');
  t.end();
});

t.test('what is offered is news once, until it is accepted or taken back', (t) => {
  const store = new ListedStore(t.testdir({}), 'default');
  const [draft, purge] = [listedOperation('draft'), listedOperation('purge')];
  t.equal(store.offer('mail', []), false, 'nothing, where nothing was accepted');
  t.equal(store.operations('mail').size, 0);
  store.accept('mail', [draft]);
  t.equal(store.offer('mail', [draft]), false, 'what is accepted');
  t.equal(store.offer('mail', [draft, purge]), true);
  t.equal(store.offer('mail', [purge, draft]), false, 'the same in another order');
  t.same(store.offered('mail'), [draft, purge]);
  t.same([...store.operations('mail').keys()], ['draft'], 'LISTED-3');
  t.equal(store.offer('mail', [draft]), true, 'taken back');
  t.equal(store.offered('mail'), null);
  t.end();
});

const FACTS: ParkedFacts = {
  ...{ request: 'r-one', operator: 'default', role: 'default', session: 's', lease: 'l', service: 'mail', operation: 'send' },
  ...{ class: 'write', params: {}, digest: '00', constraints: {}, budgets: [], endsWallMs: 1, endsBootMs: 1, match: '07', of: 1 },
};

t.test('a parked operation that is not as it was written is none, whatever was changed', (t) => {
  const dir = t.testdir({});
  const clock = new ManualClock();
  new OperationShelf(dir, clock).add(FACTS);
  const text = readFileSync(join(dir, 'r-one.json'), 'utf8');
  t.match(parseParked(text, 'r-one'), FACTS, 'negative control');
  const damages: Readonly<Record<string, object>> = {
    'of another request': { request: 'r-two' },
    'a state that is none': { state: 'allowed' },
    'a role that is none': { role: null },
    'a digest that is none': { digest: 7 },
    'parameters that are a list': { params: [] },
    'no constraints': { constraints: null },
    'budgets that are none': { budgets: {} },
    'a lease without end': { endsWallMs: null },
    'an end that is a text': { endsBootMs: '1' },
  };
  for (const [name, damage] of Object.entries(damages)) t.equal(parseParked(changed(text, damage), 'r-one'), null, name);
  for (const other of ['', '{', 'null', '[]', '7']) t.equal(parseParked(other, 'r-one'), null, other);
  for (const name of ['r-.json', 'x.json', 'r-a.b.json']) {
    writeFileSync(join(dir, name), text, { mode: 0o600 });
    t.match(
      refusalOf(() => new OperationShelf(dir, clock)),
      new RegExp(`^VAULT_UNREADABLE: .*${name} is no parked operation`),
      name,
    );
    unlinkSync(join(dir, name));
  }
  t.end();
});

t.test('PARKED-1: what cannot be kept is not done: no state, or a name that leads elsewhere', (t) => {
  const dir = t.testdir({});
  const clock = new ManualClock();
  t.match(
    refusalOf(() => new OperationShelf(null, clock).add(FACTS)),
    /^UNAVAILABLE/,
  );
  const shelf = new OperationShelf(dir, clock);
  t.match(
    refusalOf(() => shelf.add({ ...FACTS, request: 'r-/../../x' })),
    /^UNAVAILABLE/,
  );
  t.equal(shelf.get('r-/../../x'), undefined);
  t.same(readdirSync(dir), []);
  t.end();
});

t.test('an old outcome is forgotten, though its file cannot be removed', (t) => {
  const dir = t.testdir({});
  const clock = new ManualClock();
  const shelf = new OperationShelf(dir, clock);
  shelf.change(shelf.add(FACTS), { state: 'denied' });
  const path = join(dir, 'r-one.json');
  unlinkSync(path);
  mkdirSync(path);
  clock.advance(GATEWAY_LIMITS.outcomeKeptMs);
  shelf.add({ ...FACTS, request: 'r-two' });
  t.equal(shelf.get('r-one'), undefined);
  t.equal(shelf.get('r-two')?.state, 'waiting');
  t.end();
});
