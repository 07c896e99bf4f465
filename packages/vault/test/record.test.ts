import t from 'tap';
import { sealBytes } from '../src/aead.js';
import {
  type HeaderExpectation,
  headerBytes,
  newDek,
  openRecord,
  parseHeader,
  type RecordHeader,
  sealRecord,
  unwrapDek,
  wrapDek,
} from '../src/index.js';
import { codeOf, counting, DEK, DESTINATION, FIELDS, header, kekOf, OTHER_DESTINATION, type Stored, store } from './sample.js';

const EXPECTED: HeaderExpectation = { owner: 'default', service: 'gmail', destination: DESTINATION, minVersion: 3 };
const open = ({ header, wrapped, body }: Stored, expected: HeaderExpectation = EXPECTED): string | null =>
  codeOf(() => openRecord({ dek: unwrapDek({ kek: kekOf(), header, wrapped }), header, body, expected }));

t.test('what is sealed opens', async (t) => {
  const { header: bytes, wrapped, body } = store();
  const dek = unwrapDek({ kek: kekOf(), header: bytes, wrapped });
  t.same(Buffer.from(dek), Buffer.from(DEK));
  t.same(openRecord({ dek, header: bytes, body, expected: EXPECTED }), { header: header(), fields: FIELDS });
  t.equal(open(store()), null);
});

t.test('VAULT-6 a record of something else is refused though every tag is right', async (t) => {
  const changes: Partial<RecordHeader>[] = [
    { service: 'calendar' },
    { owner: 'eve' },
    { destination: OTHER_DESTINATION },
    { version: 2 },
  ];
  for (const change of changes) {
    const { owner, service, epoch } = header(change);
    const stored = store(change);
    const dek = unwrapDek({ kek: kekOf({ owner, service, epoch }), header: stored.header, wrapped: stored.wrapped });
    const opening = (expected: HeaderExpectation): string | null =>
      codeOf(() => openRecord({ dek, header: stored.header, body: stored.body, expected }));
    t.equal(opening(EXPECTED), 'VAULT_UNREADABLE', JSON.stringify(change));
    t.equal(opening({}), null, 'control: only the expectation refuses it');
  }
  for (const key of ['vault', 'record', 'epoch', 'version'] as const)
    t.equal(open(store(), { [key]: key === 'epoch' || key === 'version' ? 9 : 'x' }), 'VAULT_UNREADABLE', key);
});

t.test('VAULT-7 a header put over another record opens nothing', async (t) => {
  const changes: Partial<RecordHeader>[] = [
    { vault: 'other' },
    { owner: 'eve' },
    { service: 'calendar' },
    { record: 'other' },
    { version: 4 },
    { epoch: 2 },
    { destination: OTHER_DESTINATION },
  ];
  const { wrapped, body } = store();
  for (const change of changes) {
    const forged = headerBytes(header(change));
    t.equal(
      codeOf(() => unwrapDek({ kek: kekOf(), header: forged, wrapped })),
      'VAULT_UNREADABLE',
      `wrapped ${JSON.stringify(change)}`,
    );
    t.equal(
      codeOf(() => openRecord({ dek: DEK, header: forged, body, expected: {} })),
      'VAULT_UNREADABLE',
      `body ${JSON.stringify(change)}`,
    );
  }
});

t.test('VAULT-7 parts of two services cannot be mixed', async (t) => {
  const [gmail, calendar] = [store(), store({ service: 'calendar' }, newDek())];
  t.equal(open({ ...gmail, body: calendar.body }), 'VAULT_UNREADABLE');
  t.equal(open({ ...gmail, wrapped: calendar.wrapped }), 'VAULT_UNREADABLE');
  t.equal(open({ ...gmail, header: calendar.header }), 'VAULT_UNREADABLE');
  t.equal(open(calendar), 'VAULT_UNREADABLE');
});

t.test('VAULT-7 a wrapped DEK is no body, a body no wrapped DEK', async (t) => {
  const bytes = headerBytes(header());
  const wrapped = wrapDek({ kek: kekOf(), header: bytes, dek: DEK });
  const kekAsDek = Buffer.from(kekOf()) as unknown as typeof DEK;
  t.equal(
    codeOf(() => openRecord({ dek: kekAsDek, header: bytes, body: wrapped, expected: {} })),
    'VAULT_UNREADABLE',
  );
});

t.test('VAULT-4 truncated, lengthened or changed bytes are refused', async (t) => {
  const good = store();
  for (const part of ['wrapped', 'body'] as const) {
    const bytes = good[part];
    for (const cut of [1, 4, 12, bytes.length - 28, bytes.length]) {
      const shorter = Buffer.from(bytes.subarray(0, bytes.length - cut));
      t.equal(open({ ...good, [part]: shorter }), 'VAULT_UNREADABLE', `${part} without its last ${cut}`);
    }
    t.equal(open({ ...good, [part]: Buffer.concat([bytes, Buffer.of(0)]) }), 'VAULT_UNREADABLE');
    const survivors = [...bytes.keys()].filter((at) => {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      return open({ ...good, [part]: changed }) !== 'VAULT_UNREADABLE';
    });
    t.same(survivors, [], `${part}, every byte`);
  }
});

t.test('VAULT-3 every write has a DEK and a nonce of its own', async (t) => {
  const [one, two] = [newDek(), newDek()];
  t.notSame(one, two);
  const [first, second] = [one, one].map((dek) => sealRecord({ dek, header: header(), fields: FIELDS }).body);
  t.notSame(first?.subarray(0, 12), second?.subarray(0, 12));
});

t.test('fields have a form and a size', async (t) => {
  const seal = (fields: unknown): string | null =>
    codeOf(() => sealRecord({ dek: DEK, header: header(), fields: fields as Record<string, string> }));
  t.equal(seal({ password: 'x'.repeat(65_536 - 15) }), null);
  t.equal(seal({ password: 'x'.repeat(65_536 - 14) }), 'VAULT_UNREADABLE');
  t.equal(seal({ password: '☂'.repeat(30_000) }), 'VAULT_UNREADABLE', 'bytes count, not characters');
  for (const fields of [{ '1password': 'x' }, { '': 'x' }, { a: '\ud800' }]) t.equal(seal(fields), 'VAULT_UNREADABLE');
  t.equal(seal({}), null);
});

t.test('authenticated fields of another form are refused all the same', async (t) => {
  const aad = headerBytes(header());
  const opening = (text: string): string | null =>
    codeOf(() => openRecord({ dek: DEK, header: aad, body: sealBytes(DEK, Buffer.from(text), aad, counting), expected: {} }));
  t.equal(opening('{"a":"1","b":"2"}'), null, 'control');
  const bad = [
    '',
    'null',
    '[]',
    '"a"',
    '{',
    '{"1A":"1"}',
    '{"a":1}',
    '{"b":"1","a":"2"}',
    '{ "a":"1"}',
    '{"a":"1","a":"1"}',
    `{"a":"${'x'.repeat(65_536)}"}`,
  ];
  for (const text of bad) t.equal(opening(text), 'VAULT_UNREADABLE', text.slice(0, 30));
});

t.test('no error says anything of a secret', async (t) => {
  const { header: bytes, body } = store();
  try {
    openRecord({ dek: newDek(), header: bytes, body, expected: {} });
    t.fail('opened');
  } catch (thrown) {
    t.notMatch(JSON.stringify(thrown) + String(thrown) + String((thrown as Error).cause), /horse|ada|tag|44444/);
  }
});

t.test('VAULT-5 only canonical bytes are a header', async (t) => {
  const text = headerBytes(header()).toString('utf8');
  t.same(parseHeader(Buffer.from(text)), header());
  const reordered = JSON.stringify({ v: 1, ...(JSON.parse(text) as object) });
  const bad = [
    ` ${text}`,
    `${text}\n`,
    text.replace('"v":1', '"v":1,"v":1'),
    text.replace('"v":1', '"v":1.0'),
    text.replace('"v":1', '"v":2'),
    reordered,
  ];
  const malformed = [
    '',
    'null',
    '[]',
    '{}',
    text.replace('}', ',"x":1}'),
    text.replace('"v":1', '"w":1'),
    text.replace('gmail', '\\u0067mail'),
    '{',
    `"${'x'.repeat(1100)}"`,
  ];
  for (const wrong of [...bad, ...malformed])
    t.equal(
      codeOf(() => parseHeader(Buffer.from(wrong))),
      'VAULT_UNREADABLE',
      wrong.slice(0, 60),
    );
  t.equal(
    codeOf(() => parseHeader(Buffer.from(text.replace('default', 'defaul\u00ff'), 'latin1'))),
    'VAULT_UNREADABLE',
    'invalid UTF-8',
  );
  const members: Partial<Record<keyof RecordHeader, unknown>>[] = [
    { vault: '' },
    { vault: 'a/b' },
    { owner: 'A' },
    { service: 'a:b' },
    { record: '' },
    { version: 0 },
    { version: 1.5 },
    { epoch: -1 },
    { destination: 'x' },
  ];
  for (const member of members)
    t.equal(
      codeOf(() => headerBytes({ ...header(), ...member } as RecordHeader)),
      'VAULT_UNREADABLE',
      JSON.stringify(member),
    );
});
