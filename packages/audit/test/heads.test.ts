import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import {
  EMPTY_HEAD,
  RefusalFolder,
  RoleQuota,
  decideQuota,
  encodePublicKey,
  generateHeadKey,
  parsePrivateKey,
  parsePublicKey,
  parseSignedHead,
  signHead,
  verifySignedHead,
} from '../src/index.js';
import { TestClock } from './fixture.js';

const INVALID = { code: 'PARAMS_INVALID' };
const HEAD = { size: 20852163, hash: '09c5186a91863e8d8b8c8c080141a89bf5da8e3ee1d9f0763b737a8f70ada9bb'.slice(0, 64) };

t.test('AUDIT-20 keys have the text forms of C2SP and of Go', (t) => {
  // The pair of golang.org/x/mod/sumdb/note's documentation: an outside oracle for id and encoding.
  const publicKey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
  const signer = parsePrivateKey('PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz');
  t.equal(signer.publicKey, publicKey);
  t.equal(parsePublicKey(publicKey).keyId, 'c74f20a3');
  t.equal(encodePublicKey('PeterNeumann', createPublicKey(signer.key)), publicKey);
  const bad = [
    publicKey.replace('c74f20a3', 'c74f20a4'),
    publicKey.replace('PeterNeumann', 'Peter Neumann'),
    publicKey.replace('+AR', '+AQ'),
    publicKey.replace('+AR', '+Ag'),
    publicKey.slice(0, -4),
    `${publicKey}=`,
    '',
  ];
  for (const text of bad) t.throws(() => parsePublicKey(text), INVALID, text);
  t.throws(() => parsePrivateKey(publicKey), INVALID);
  t.throws(() => parsePrivateKey('PRIVATE+KEY+PeterNeumann+c74f20a4+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz'), INVALID);
  for (const name of ['', 'a b', 'a+b', 'a\n', 'a\u2003b', '\ud800']) t.throws(() => generateHeadKey(name), INVALID);
  t.throws(() => encodePublicKey('x', generateKeyPairSync('x25519').publicKey), INVALID);
  t.end();
});

t.test('AUDIT-21 AUDIT-22 signed heads', (t) => {
  const { privateKey, publicKey } = generateHeadKey('airlock/gateway');
  const signer = parsePrivateKey(privateKey);
  const note = signHead(signer, 'airlock/gateway', HEAD);
  t.match(verifySignedHead(publicKey, note), { ...HEAD, origin: 'airlock/gateway', note });
  t.match(parseSignedHead(signHead(signer, 'o', EMPTY_HEAD)), EMPTY_HEAD);
  const other = generateHeadKey('airlock/gateway');
  t.throws(() => verifySignedHead(other.publicKey, note), { ...INVALID, message: /no signature by a known key/ });
  const both = note + signHead(parsePrivateKey(other.privateKey), 'airlock/gateway', HEAD).split('\n\n').slice(1).join('');
  t.match(verifySignedHead([publicKey, other.publicKey], both), HEAD);
  t.match(verifySignedHead(publicKey, both), HEAD, 'unknown signatures are ignored');
  const spoiled = both.replace(/(?<id>.)(?<last>.)=\n$/u, (_all, a: string) => `${a === 'A' ? 'E' : 'A'}A=\n`);
  t.throws(() => verifySignedHead([publicKey, other.publicKey], spoiled), INVALID, 'one wrong signature spoils all');
  const malformed = [
    '',
    note.slice(0, -1),
    note.replace('20852163', '020852163'),
    note.replace('20852163', '20852164'),
    note.replace('20852163', '99999999999999999999'),
    note.replace('airlock/gateway\n', '\n'),
    note.replace('\n\n', '\nextension\n\n'),
    note.replace('\n\n', '\n'),
    note.replaceAll('\n', '\r\n'),
    note.replace('\u2014 ', '- '),
    note.replace('=\n\n', '\n\n'),
    `${note}\u2014 x y z\n`,
    note + 'x'.repeat(20_000) + '\n',
    note + '\u2014 x AAAAAAA=\n'.repeat(40),
    `${note}\ud800\n`,
    `${note}\n`,
  ];
  for (const text of malformed) t.throws(() => verifySignedHead(publicKey, text), INVALID, JSON.stringify(text.slice(0, 80)));
  t.throws(() => signHead(signer, 'a b', HEAD), INVALID);
  t.throws(() => signHead(signer, 'o', { ...HEAD, size: -1 }), INVALID);
  t.throws(() => signHead(signer, 'o', { ...HEAD, hash: 'AB' }), INVALID);
  t.end();
});

t.test('AUDIT-24 refusals fold into one record a second', (t) => {
  const clock = new TestClock();
  const folder = new RefusalFolder(clock);
  t.same(folder.refused('a', 'POLICY_DENIED'), { role: 'a', code: 'POLICY_DENIED', count: 1 });
  for (let i = 0; i < 5; i += 1) t.equal(folder.refused('a', 'POLICY_DENIED'), null);
  t.same(folder.refused('b', 'POLICY_DENIED')?.count, 1, 'another role is counted alone');
  t.same(folder.due(), []);
  clock.boot += 1000;
  t.same(folder.due(), [{ role: 'a', code: 'POLICY_DENIED', count: 5 }]);
  t.equal(folder.refused('a', 'POLICY_DENIED'), null, 'the second starts anew');
  clock.boot += 1000;
  t.same(folder.refused('a', 'POLICY_DENIED')?.count, 2);
  t.equal(folder.refused('a', 'POLICY_DENIED'), null);
  t.same(folder.drain(), [{ role: 'a', code: 'POLICY_DENIED', count: 1 }]);
  t.same(folder.drain(), []);
  let records = 0;
  for (let i = 0; i < 10_000; i += 1) {
    clock.boot += 1;
    records += folder.refused('flood', 'RATE_LIMITED') === null ? 0 : 1;
  }
  t.equal(records, 10);
  t.end();
});

t.test('AUDIT-24 a role writes no more than its bucket holds', (t) => {
  const clock = new TestClock();
  const quota = new RoleQuota(clock, { burstBytes: 1000, refillBytesPerS: 10 });
  t.ok(quota.take('a', 900));
  t.notOk(quota.take('a', 200));
  t.ok(quota.take('b', 1000), 'each role has its own');
  t.ok(quota.take('a', 100));
  clock.boot += 1000;
  t.ok(quota.take('a', 10));
  t.notOk(quota.take('a', 1));
  clock.boot -= 500_000;
  t.notOk(quota.take('a', 1), 'a clock set back fills nothing');
  clock.boot += 10_000_000;
  t.notOk(quota.take('a', 1001));
  t.same(decideQuota({ burstBytes: 5, refillBytesPerS: 1 }, undefined, 5, 0), {
    allowed: true,
    state: { leftBytes: 0, atMs: 0 },
  });
  t.ok(new RoleQuota(clock).take('a', 1));
  t.end();
});
