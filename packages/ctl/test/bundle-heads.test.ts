/** AUDIT-33: heads that were kept, beside an export that is signed as it should be. */
import {
  Chain,
  EMPTY_HEAD,
  generateHeadKey,
  lineDigest,
  parsePrivateKey,
  parseSignedHead,
  partsOfNote,
  signHead,
  signText,
  type Head,
} from '@airlock/audit';
import { sha256Hex } from '@airlock/protocol';
import t from 'tap';
import { bundleText, verifyBundle, type BundleVerdict } from '../src/audit/bundle.js';
import type { Kept } from '../src/audit/kept-heads.js';

const keyOf = (name: string): ReturnType<typeof parsePrivateKey> =>
  parsePrivateKey(generateHeadKey(`airlock-${name}`).privateKey);
const keys = { gateway: keyOf('gateway'), totp: keyOf('totp'), export: keyOf('export') };

const START = 3;
const END = 6;
const chain = new Chain();
const heads: Head[] = [chain.head()];
const digests: Buffer[] = [];
for (let n = 0; n < 9; n += 1) {
  const digest = lineDigest(Buffer.from(String(n)));
  digests.push(digest);
  chain.extend(digest.toString('latin1'));
  heads.push(chain.head());
}
const at = (size: number): Head => heads[size] ?? EMPTY_HEAD;

const noteFiles = (name: string, key: string, note: string): [string, Buffer][] => {
  const { signed, signature } = partsOfNote(key, note);
  return Object.entries({ note: Buffer.from(note), signed, sig: signature }).map(([part, bytes]) => [`${name}.${part}`, bytes]);
};

const files = new Map<string, Buffer>([
  ['gateway/start', Buffer.from(`${START} ${at(START).hash}\n`)],
  [
    'gateway/chain',
    Buffer.from(
      digests
        .slice(START, END)
        .map((digest) => `left-out ${digest.toString('hex')}\n`)
        .join(''),
    ),
  ],
  ['gateway/lines.jsonl', Buffer.alloc(0)],
  ...noteFiles('gateway/head', keys.gateway.publicKey, signHead(keys.gateway, 'airlock-gateway', at(END))),
]);
const sums = [...files].map(([name, bytes]) => `${sha256Hex(bytes)}  ${name}\n`).join('');
const text = `airlock-export/v1\n${sha256Hex(sums)}\nada\n2026-11-20T12:00:00.000Z\n`;
for (const [name, bytes] of noteFiles('SHA256SUMS', keys.export.publicKey, signText(keys.export, text))) files.set(name, bytes);
files.set('SHA256SUMS', Buffer.from(sums));

const hashed = (hash: string): Kept => ({ name: `--head ${hash}`, hash, heads: [] });
const noted = (name: string, ...notes: string[]): Kept => ({
  name: `--head ${name}`,
  hash: null,
  heads: notes.map(parseSignedHead),
});
const signed = (head: Head, log: 'gateway' | 'totp' = 'gateway'): string => signHead(keys[log], `airlock-${log}`, head);
const check = (...kept: Kept[]): BundleVerdict => verifyBundle(files, (name) => keys[name].publicKey, kept);

t.test('each head from the start to the signed one is met, by note and by hash', (t) => {
  t.match(check(), { ok: true, status: 'whole' });
  for (let size = START; size <= END; size += 1)
    t.match(check(hashed(at(size).hash), noted('x', signed(at(size)))), { ok: true, status: 'whole' }, `of ${size}`);
  t.match(check(noted('heads', signed(at(5)), signed(at(5), 'totp'))), { ok: true }, 'of a file with both, the one that is here');
  t.end();
});

t.test('what is of before, behind, or of another log says nothing', (t) => {
  for (const kept of [
    noted('before', signed(at(START - 1))),
    noted('behind', signed(at(END + 1))),
    noted('totp', signed(at(5), 'totp')),
    noted('nothing', signed(EMPTY_HEAD)),
    hashed(at(START - 1).hash),
    hashed(at(END + 1).hash),
    hashed(EMPTY_HEAD.hash),
  ]) {
    const found = check(kept);
    t.match(found, { ok: false, status: 'unproven', unproven: [{ head: kept.name }], firstBad: undefined }, kept.name);
    t.match(bundleText(found), /\nUNPROVEN: signed by ada at 2026-/);
  }
  t.end();
});

t.test('a signed head of another history contradicts it', (t) => {
  for (let size = START; size <= END; size += 1) {
    const found = check(noted('a/b', signed({ size, hash: '07'.repeat(32) })));
    t.match(found, { ok: false, status: 'damaged', firstBad: { log: 'gateway', file: '--head a/b' } });
    t.match(bundleText(found), /^FORGED OR DAMAGED: --head a\/b: the gateway log that was exported has another history$/);
  }
  files.set('gateway/chain', Buffer.from('left-out 00\n'));
  t.match(
    check(noted('x', signed({ size: 4, hash: '07'.repeat(32) }))),
    { firstBad: { file: 'gateway/chain' } },
    'what is forged is told first',
  );
  t.end();
});
