import { mkdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { Chain, lineDigest, parsePrivateKey, parseSignedHead, signHead, verifyLog, verifySignedHead } from '../src/index.js';
import { encodeRecord } from '../src/record.js';
import { oneSegment, readSegment, tempDir, testLog, writeSegment } from './fixture.js';

interface Golden {
  readonly segment: string;
  readonly origin: string;
  readonly publicKey: string;
  readonly testPrivateKey: string;
  readonly hashes: readonly string[];
  readonly heads: readonly string[];
  readonly tampered: readonly { name: string; find: string; replace: string; line: number; problem: string }[];
}

const file = (name: string): Buffer => readFileSync(new URL(`../../../../test/golden/${name}`, import.meta.url));
const golden = JSON.parse(file('audit.json').toString()) as Golden;
const log = file('audit.jsonl');
const lines = log.toString().trimEnd().split('\n');
const verify = (bytes: Buffer): ReturnType<typeof verifyLog> =>
  verifyLog({ segments: oneSegment(bytes, 64), origin: golden.origin, heads: golden.heads, publicKeys: [golden.publicKey] });

t.test('AUDIT-2 the example chains to the hashes of the specification', (t) => {
  const chain = new Chain();
  const hashes = [chain.hash];
  for (const line of lines) {
    chain.extend(lineDigest(Buffer.from(line)).toString('latin1'));
    hashes.push(chain.hash);
  }
  t.same(hashes, golden.hashes);
  t.end();
});

t.test('AUDIT-1 a writer still writes the example byte for byte', (t) => {
  for (const line of lines) {
    const { seq, ts, event, prev, ...fields } = JSON.parse(line) as { seq: number; ts: string; event: string; prev: string };
    t.equal(encodeRecord({ seq, ts, prev }, event, fields).toString(), `${line}\n`);
  }
  t.end();
});

t.test('AUDIT-20 the signed heads of the example verify, and are signed the same again', (t) => {
  const signer = parsePrivateKey(golden.testPrivateKey);
  t.equal(signer.publicKey, golden.publicKey);
  for (const note of golden.heads) {
    const { origin, size, hash } = verifySignedHead(golden.publicKey, note);
    t.equal(hash, golden.hashes[size]);
    t.equal(signHead(signer, origin, { size, hash }), note);
  }
  t.end();
});

t.test('the example verifies; what the vectors tamper with is found where they say', async (t) => {
  t.same(await verify(log), { ok: true, records: 5, checkpoints: 3 });
  for (const { name, find, replace, line, problem } of golden.tampered)
    t.match(
      await verify(Buffer.from(log.toString().replace(find, replace))),
      { ok: false, firstBad: { file: golden.segment, line, problem } },
      name,
    );
});

t.test('AUDIT-8 a log of this format is opened and gone on with', async (t) => {
  const dir = tempDir(t);
  mkdirSync(dir, { mode: 0o700 });
  writeSegment(dir, log, golden.segment);
  const { size, hash } = parseSignedHead(golden.heads[0] ?? '');
  const opened = testLog(dir, { durableHead: { size, hash } });
  t.equal(opened.sealed, null);
  t.equal(await opened.appendDurable('locked', { by: 'default' }), 6);
  t.equal(opened.digestsSince(2).length, 4);
  await opened.close();
  t.match(await verify(readSegment(dir, golden.segment)), { ok: true, records: 6 });
});
