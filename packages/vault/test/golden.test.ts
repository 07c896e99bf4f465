/** The literal example of docs/spec/vault.md, opened with node:crypto too; Wycheproof for AES-GCM and HKDF. */
import { createDecipheriv, hkdfSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { canonicalJson, type Destination, destinationDigest } from '@airlock/protocol';
import t from 'tap';
import { openBytes, sealBytes } from '../src/aead.js';
import {
  asDek,
  asTotpSecret,
  asVaultRoot,
  deriveKek,
  encodeSealedRecord,
  type Fields,
  fromSealedRecord,
  headerBytes,
  openRecord,
  parseSealedRecord,
  type RecordHeader,
  type SealedRecord,
  sealRecord,
  toSealedRecord,
  unwrapDek,
  wrapDek,
} from '../src/index.js';
import { codeOf } from './sample.js';

const read = (path: string): string => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8');
const hex = (text: string): Buffer => Buffer.from(text, 'hex');

interface Golden {
  readonly totpSecret: string;
  readonly root: string;
  readonly dek: string;
  readonly bodyNonce: string;
  readonly wrapNonce: string;
  readonly kek: string;
  readonly destination: Destination;
  readonly header: RecordHeader;
  readonly fields: Fields;
  readonly record: SealedRecord;
}
const golden = JSON.parse(read('test/golden/vault.json')) as Golden;
const { owner, service, epoch, vault } = golden.header;
const kek = deriveKek({
  totpSecret: asTotpSecret(hex(golden.totpSecret)),
  root: asVaultRoot(hex(golden.root)),
  vaultId: vault,
  owner,
  service,
  epoch,
});

t.test('the golden record is sealed as ever', async (t) => {
  const dek = asDek(hex(golden.dek));
  const { header, body } = sealRecord({ dek, header: golden.header, fields: golden.fields, random: () => hex(golden.bodyNonce) });
  const wrapped = wrapDek({ kek, header, dek, random: () => hex(golden.wrapNonce) });
  t.equal(Buffer.from(kek).toString('hex'), golden.kek);
  t.equal(destinationDigest(golden.destination), golden.header.destination);
  t.same(toSealedRecord({ header, wrapped, body }), golden.record);
});

t.test('the golden record opens', async (t) => {
  const { header, wrapped, body } = fromSealedRecord(parseSealedRecord(encodeSealedRecord(golden.record)));
  const dek = unwrapDek({ kek, header, wrapped });
  t.same(openRecord({ dek, header, body, expected: golden.header }).fields, golden.fields);
});

const nodeOpen = (key: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Buffer => {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), { authTagLength: 16 });
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
};

t.test('node:crypto opens it by the words of the document alone', async (t) => {
  const ikm = Buffer.concat([hex(golden.totpSecret), hex(golden.root)]);
  const key = Buffer.from(hkdfSync('sha256', ikm, vault, `airlock/v1/kek/${owner}/${service}/${epoch}`, 32));
  const { header, wrapped, body } = fromSealedRecord(golden.record);
  const dek = nodeOpen(key, wrapped, Buffer.concat([header, Buffer.from('dek')]));
  t.equal(dek.toString('hex'), golden.dek);
  t.equal(nodeOpen(dek, body, header).toString('utf8'), canonicalJson(golden.fields));
});

t.test('the document shows the vector', async (t) => {
  const document = read('docs/spec/vault.md').replaceAll(/\s/g, '');
  const shown = [
    headerBytes(golden.header).toString('utf8'),
    golden.kek,
    golden.record.wrapped,
    golden.record.body,
    golden.header.destination,
  ];
  for (const text of shown) t.ok(document.includes(text.replaceAll(/\s/g, '')), text.slice(0, 30));
});

interface Vector {
  readonly tcId: number;
  readonly comment: string;
  readonly result: string;
  readonly size: number;
  readonly [part: string]: string | number;
}
const vectors = (name: string): Vector[] =>
  (JSON.parse(read(`test/golden/wycheproof/${name}`)) as { testGroups: { tests: Vector[] }[] }).testGroups.flatMap(
    ({ tests }) => tests,
  );
const part = (vector: Vector, name: string): Buffer => hex(String(vector[name]));

t.test('Wycheproof AES-GCM (256-bit key, 96-bit nonce, 128-bit tag)', async (t) => {
  const tests = vectors('aes_gcm_test.json');
  t.ok(tests.length >= 30 && tests.some(({ result }) => result === 'invalid'));
  for (const vector of tests) {
    const [key, iv, aad, msg] = ['key', 'iv', 'aad', 'msg'].map((name) => part(vector, name)) as [Buffer, Buffer, Buffer, Buffer];
    const sealed = Buffer.concat([iv, part(vector, 'ct'), part(vector, 'tag')]);
    const valid = vector.result === 'valid';
    t.equal(
      codeOf(() => openBytes(key, sealed, aad)),
      valid ? null : 'VAULT_UNREADABLE',
      `tcId ${vector.tcId} ${vector.comment}`,
    );
    t.equal(sealBytes(key, msg, aad, () => iv).equals(sealed), valid, `tcId ${vector.tcId} sealed`);
  }
});

t.test('Wycheproof HKDF-SHA-256', async (t) => {
  const tests = vectors('hkdf_sha256_test.json');
  t.ok(tests.length >= 14);
  for (const vector of tests) {
    const okm = hkdf(sha256, part(vector, 'ikm'), part(vector, 'salt'), part(vector, 'info'), vector.size);
    t.same(Buffer.from(okm), part(vector, 'okm'), `tcId ${vector.tcId}`);
  }
});
