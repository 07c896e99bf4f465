/** The literal example of docs/spec/lease.md, re-computed with another implementation of HMAC and HKDF; Wycheproof for both. */
import { readFileSync } from 'node:fs';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac as nobleHmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { canonicalJson, type Json } from '@airlock/protocol';
import t from 'tap';
import { hmac, isSameTag } from '../src/chain.js';
import {
  type Caveat,
  deriveLeaseKey,
  type LeaseFacts,
  type LeasePayload,
  mintLease,
  narrowLease,
  verifyLease,
} from '../src/index.js';

const read = (path: string): string => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8');

interface Golden {
  readonly rootKey: string;
  readonly bootId: string;
  readonly generation: number;
  readonly key: string;
  readonly kid: string;
  readonly payload: LeasePayload;
  readonly issued: string;
  readonly caveats: readonly Caveat[];
  readonly narrowed: string;
  readonly facts: LeaseFacts;
  readonly effective: unknown;
  readonly budgets: unknown;
}
const golden = JSON.parse(read('test/golden/lease.json')) as Golden;
const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const b64 = (data: Uint8Array): string => Buffer.from(data).toString('base64url');

t.test('the golden lease is minted, narrowed and verified as ever', async (t) => {
  const { kid, key } = deriveLeaseKey(hex(golden.rootKey), golden.bootId, golden.generation);
  t.equal(kid, golden.kid);
  t.equal(key.toString('hex'), golden.key);
  t.equal(mintLease(key, golden.payload), golden.issued);
  t.equal(golden.caveats.reduce(narrowLease, golden.issued), golden.narrowed);
  const verified = verifyLease(key, golden.narrowed, golden.facts);
  t.same(verified.effective, golden.effective);
  t.same(verified.budgets, golden.budgets);
});

t.test('another implementation computes the same texts', async (t) => {
  const info = Buffer.from(`airlock/v1/lease/${golden.bootId}/${golden.generation}`);
  const key = hkdf(sha256, hex(golden.rootKey), new Uint8Array(0), info, 32);
  const payload = b64(Buffer.from(canonicalJson(golden.payload as unknown as Json)));
  const parts = golden.caveats.map((caveat) => b64(Buffer.from(canonicalJson(caveat as unknown as Json))));
  const tag = parts.reduce(
    (last, part) => nobleHmac(sha256, last, Buffer.from(part)),
    nobleHmac(sha256, key, Buffer.from(payload)),
  );
  t.equal(['al1', payload, ...parts, b64(tag)].join('.'), golden.narrowed);
});

t.test('the document shows the vector', async (t) => {
  const document = read('docs/spec/lease.md').replaceAll(/\s/g, '');
  for (const text of [golden.issued, golden.narrowed, golden.key, golden.kid]) t.ok(document.includes(text), text.slice(0, 20));
});

interface Vector {
  readonly tcId: number;
  readonly key: string;
  readonly msg: string;
  readonly tag: string;
  readonly result: string;
}

t.test('Wycheproof HMAC-SHA-256', async (t) => {
  const { testGroups } = JSON.parse(read('test/golden/wycheproof/hmac_sha256_test.json')) as {
    testGroups: { tests: Vector[] }[];
  };
  const tests = testGroups.flatMap((group) => group.tests);
  t.ok(tests.length >= 18 && tests.some(({ result }) => result === 'invalid'));
  for (const { tcId, key, msg, tag, result } of tests) {
    t.equal(isSameTag(hmac(hex(key), hex(msg)), hex(tag)), result === 'valid', `tcId ${tcId}`);
    t.same(hmac(hex(key), hex(msg)), Buffer.from(nobleHmac(sha256, hex(key), hex(msg))), `tcId ${tcId} in noble`);
  }
});
