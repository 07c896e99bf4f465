/** AUDIT-8, AUDIT-9: what a log that is opened again finds on disk, and the digests it reads from there. */
import { chmodSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { READ_CHUNK_BYTES, generateHeadKey, parsePrivateKey, signHead, verifyLog, type Head } from '../src/index.js';
import { DAY_MS, SEGMENT, TestClock, failure, faultyFs, readSegment, tempDir, testLog, writeSegment } from './fixture.js';

const UNAVAILABLE = { code: 'AUDIT_UNAVAILABLE' };
const NEXT = '2026-11-21.jsonl';

/** A log of two days, closed. */
const closed = async (dir: string, records: number, size = 0): Promise<{ head: Head; digests: Buffer[] }> => {
  const clock = new TestClock();
  const log = testLog(dir, { clock });
  for (let n = 0; n < records; n += 1) {
    if (n === records / 2) clock.now += DAY_MS;
    log.append('operation', { n, text: 'x'.repeat(size) });
  }
  const known = { head: log.head(), digests: log.digestsSince(0) };
  await log.close();
  return known;
};

t.test('digests come from disk from any record on, as many as are asked for', async (t) => {
  const dir = tempDir(t);
  const { head, digests } = await closed(dir, 6);
  writeSegment(dir, Buffer.alloc(0), '2026-11-22.jsonl');
  const again = testLog(dir, { durableHead: head });
  t.equal(again.sealed, null, 'a segment that was begun, and no record written');
  for (let size = 0; size < 6; size += 1)
    for (const max of [0, 1, 2, 6, 100]) t.same(again.digestsSince(size, max), digests.slice(size, size + max), `${size} ${max}`);
  await again.close();
});

t.test('digests come from disk whole where lines lie across what is read at once', async (t) => {
  const dir = tempDir(t);
  const { head, digests } = await closed(dir, 2600, 1000);
  t.ok(readSegment(dir).length > READ_CHUNK_BYTES, 'negative control');
  const again = testLog(dir, { durableHead: head });
  t.ok(again.digestsSince(0).every((digest, n) => digests[n]?.equals(digest)));
  t.equal(again.digestsSince(0).length, 2600);
  await again.close();
});

t.test('digests that the disk no longer has, or does not give, are an error and no shorter list', async (t) => {
  const dir = tempDir(t);
  const { head } = await closed(dir, 4);
  let broken = false;
  const again = testLog(dir, {
    durableHead: head,
    fs: faultyFs((call) => (broken && call === 'read' ? failure('EIO') : null)),
  });
  t.equal(again.digestsSince(0).length, 4, 'negative control');
  broken = true;
  t.throws(() => again.digestsSince(0), { ...UNAVAILABLE, message: /written: EIO$/ });
  broken = false;
  chmodSync(join(dir, SEGMENT), 0o620);
  t.throws(() => again.digestsSince(0), {
    ...UNAVAILABLE,
    message: /^the audit log cannot be written: \/\S+ can be written by others/,
  });
  chmodSync(join(dir, SEGMENT), 0o600);
  unlinkSync(join(dir, SEGMENT));
  for (const size of [0, 1])
    for (const max of [1, 100])
      t.throws(() => again.digestsSince(size, max), {
        ...UNAVAILABLE,
        message: new RegExp(`record ${size + 1} is no longer there`),
      });
  t.equal(again.digestsSince(2).length, 2, 'negative control: what comes after what was removed');
  unlinkSync(join(dir, NEXT));
  t.throws(() => again.digestsSince(2), { ...UNAVAILABLE, message: /record 3 is no longer there/ });
  await again.close();
});

t.test('AUDIT-8 a torn tail longer than any record is cut as a whole; with a record behind it, it is damage', async (t) => {
  const dir = tempDir(t);
  const { head } = await closed(dir, 2);
  const good = readSegment(dir, NEXT);
  const torn = Buffer.concat([good, Buffer.alloc(3 * READ_CHUNK_BYTES, 'x')]);
  writeSegment(dir, Buffer.concat([torn, Buffer.from('\n'), good]), NEXT);
  t.match(testLog(dir, { durableHead: head }).sealed, { message: /2026-11-21\.jsonl line 2: a line longer than any record/ });
  writeSegment(dir, torn, NEXT);
  const cut = testLog(dir, { durableHead: head });
  t.equal(cut.sealed, null);
  await cut.close();
  t.match(readSegment(dir, NEXT).toString(), `"event":"log_cut","bytes":${3 * READ_CHUNK_BYTES},`);
  t.match(await verifyLog({ dir }), { ok: true, records: 3 });
});

t.test('AUDIT-9 a durable head at the end of a segment binds the segment behind it', async (t) => {
  const dir = tempDir(t);
  const { head } = await closed(dir, 4);
  const first = readSegment(dir).toString();
  const { prev } = JSON.parse(readSegment(dir, NEXT).toString().split('\n')[0] ?? '') as { prev: string };
  const again = testLog(dir, { durableHead: { size: 2, hash: prev } });
  t.same(again.head(), head);
  await again.close();
  const other = testLog(dir, { durableHead: { size: 2, hash: 'ab'.repeat(32) } });
  t.match(other.sealed, { message: /2026-11-21\.jsonl line 1: prev is not the hash/ });
  t.equal(readSegment(dir).toString(), first, 'nothing was changed');
});

t.test('a checkpoint of another log, or one whose note is no head, stands for no durable head', async (t) => {
  const dir = tempDir(t);
  const origin = 'airlock/gateway';
  const key = parsePrivateKey(generateHeadKey(origin).privateKey);
  const log = testLog(dir);
  await log.appendDurable('operation', { n: 1 });
  await log.appendDurable('checkpoint', { note: signHead(key, origin, log.head()) });
  await log.appendDurable('operation', { n: 2 });
  await log.appendDurable('checkpoint', { note: signHead(key, 'airlock/totp', { size: 900, hash: 'ab'.repeat(32) }) });
  for (const fields of [{ note: 'x' }, { note: 7 }, {}]) await log.appendDurable('checkpoint', fields);
  await log.close();
  const again = testLog(dir, { origin });
  t.equal(again.sealed, null);
  await again.close();
  writeSegment(dir, Buffer.from(readSegment(dir).toString().replace('"n":1', '"n":7')));
  t.match(testLog(dir, { origin }).sealed, { message: /line 1: another history/ }, 'the one before them still does');
});
