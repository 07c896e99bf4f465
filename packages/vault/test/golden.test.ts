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
  type Kek,
  wrappingEpoch,
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
  readonly rewrapped: {
    readonly epoch: number;
    readonly totpSecret: string;
    readonly wrapNonce: string;
    readonly wrapped: string;
  };
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

t.test('VAULT-12: the golden record wrapped again opens with the next phone, by hand too, and with no other', async (t) => {
  const { rewrapped, record } = golden;
  const { header, wrapped, body } = fromSealedRecord({ ...record, wrapped: rewrapped.wrapped });
  const kekFor = (secret: string, of: number): Kek =>
    deriveKek({
      totpSecret: asTotpSecret(hex(secret)),
      root: asVaultRoot(hex(golden.root)),
      vaultId: vault,
      owner,
      service,
      epoch: of,
    });
  const next = kekFor(rewrapped.totpSecret, rewrapped.epoch);
  const again = wrapDek({
    kek: next,
    header,
    dek: asDek(hex(golden.dek)),
    epoch: rewrapped.epoch,
    random: () => hex(rewrapped.wrapNonce),
  });
  t.equal(again.toString('base64url'), rewrapped.wrapped);
  t.equal(wrappingEpoch(golden.header, wrapped), rewrapped.epoch);
  const decipher = createDecipheriv('aes-256-gcm', next, again.subarray(4, 16)).setAuthTag(again.subarray(-16));
  decipher.setAAD(Buffer.concat([header, Buffer.from('dek'), again.subarray(0, 4)]));
  t.equal(Buffer.concat([decipher.update(again.subarray(16, -16)), decipher.final()]).toString('hex'), golden.dek);
  const dek = unwrapDek({ kek: next, header, wrapped });
  t.same(openRecord({ dek, header, body, expected: {} }).fields, golden.fields, 'the body is as it was');
  for (const [name, other] of [
    ['the old phone', kek],
    ['another epoch', kekFor(rewrapped.totpSecret, rewrapped.epoch + 1)],
  ] as const)
    t.equal(
      codeOf(() => unwrapDek({ kek: other, header, wrapped })),
      'VAULT_UNREADABLE',
      name,
    );
});

t.test('VAULT-12: no epoch can be written over another, and none that is not later counts', async (t) => {
  const { header, wrapped } = fromSealedRecord({ ...golden.record, wrapped: golden.rewrapped.wrapped });
  const withEpoch = (epoch: number): Buffer => {
    const bytes = Buffer.from(wrapped);
    bytes.writeUInt32BE(epoch);
    return bytes;
  };
  const next = deriveKek({
    totpSecret: asTotpSecret(hex(golden.rewrapped.totpSecret)),
    root: asVaultRoot(hex(golden.root)),
    vaultId: vault,
    owner,
    service,
    epoch: golden.rewrapped.epoch,
  });
  for (const epoch of [0, 2, 0xffff_ffff])
    t.equal(
      codeOf(() => unwrapDek({ kek: next, header, wrapped: withEpoch(epoch) })),
      'VAULT_UNREADABLE',
      String(epoch),
    );
  for (const bytes of [wrapped.subarray(4), wrapped.subarray(0, 63), Buffer.alloc(0), Buffer.concat([wrapped, wrapped])])
    t.equal(
      codeOf(() => unwrapDek({ kek: next, header, wrapped: bytes })),
      'VAULT_UNREADABLE',
      `${bytes.length} bytes`,
    );
  const later = headerBytes({ ...golden.header, epoch: 3 });
  const dek = asDek(hex(golden.dek));
  for (const epoch of [2, -1, 3.5, 2 ** 32])
    t.equal(
      codeOf(() => wrapDek({ kek: next, header: later, dek, epoch })),
      'VAULT_UNREADABLE',
      `wrap for ${epoch}`,
    );
  t.equal(wrapDek({ kek: next, header: later, dek, epoch: 3 }).length, 60, 'its own epoch is the first form');
});

t.test('the document shows the vector', async (t) => {
  const document = read('docs/spec/vault.md').replaceAll(/\s/g, '');
  const shown = [
    headerBytes(golden.header).toString('utf8'),
    golden.kek,
    golden.record.wrapped,
    golden.rewrapped.wrapped,
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
