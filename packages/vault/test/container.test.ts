import t from 'tap';
import { encodeSealedRecord, fromSealedRecord, parseSealedRecord, type SealedRecord, toSealedRecord } from '../src/index.js';
import { codeOf, store } from './sample.js';

const RECORD = toSealedRecord(store());
const TEXT = encodeSealedRecord(RECORD);

t.test('a stored record is one line of canonical JSON', async (t) => {
  t.same(parseSealedRecord(TEXT), RECORD);
  t.same(fromSealedRecord(RECORD), store());
  t.match(TEXT, /^\{"body":"[\w-]+","header":"[\w-]+","wrapped":"[\w-]+"\}$/);
});

t.test('VAULT-11 no other text is a stored record', async (t) => {
  const reordered = JSON.stringify({ header: RECORD.header, wrapped: RECORD.wrapped, body: RECORD.body });
  const bad = [
    '',
    'null',
    '[]',
    '{}',
    ` ${TEXT}`,
    `${TEXT}\n`,
    reordered,
    TEXT.replace('}', ',"v":1}'),
    TEXT.replace('"body"', '"Body"'),
    'x'.repeat(100_001),
  ];
  for (const text of bad)
    t.equal(
      codeOf(() => parseSealedRecord(text)),
      'VAULT_UNREADABLE',
      text.slice(0, 40),
    );
});

t.test('VAULT-11 every part has its length and its alphabet', async (t) => {
  const b64 = (length: number): string => Buffer.alloc(length).toString('base64url');
  const bad: Partial<Record<keyof SealedRecord, unknown>>[] = [
    { header: '' },
    { header: b64(100) },
    { wrapped: b64(59) },
    { wrapped: b64(61) },
    { wrapped: `${RECORD.wrapped}=` },
    { body: b64(29) },
    { body: b64(65_536 + 29) },
    { body: '+/+/' },
    { body: 5 },
  ];
  for (const change of bad) {
    const record = { ...RECORD, ...change } as SealedRecord;
    t.equal(
      codeOf(() => encodeSealedRecord(record)),
      'VAULT_UNREADABLE',
      JSON.stringify(change).slice(0, 40),
    );
    t.equal(
      codeOf(() => parseSealedRecord(JSON.stringify(record))),
      'VAULT_UNREADABLE',
    );
  }
});
