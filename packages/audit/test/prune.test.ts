/** AUDIT-25, AUDIT-26, AUDIT-3: segments that go because of their age, and segments that come while records do. */
import { existsSync, readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import {
  decideOldest,
  findPrunable,
  generateHeadKey,
  openLog,
  parsePrivateKey,
  removeSegment,
  signHead,
  verifyLog,
  type AuditLog,
  type VerifyResult,
} from '../src/index.js';
import { DAY_MS, TestClock, TestTimers, failure, faultyFs, readSegment, tempDir, writeSegment } from './fixture.js';

const ORIGIN = 'airlock/test';
const key = parsePrivateKey(generateHeadKey(ORIGIN).privateKey);
const DAYS = 5;

interface Grown {
  readonly dir: string;
  readonly log: AuditLog;
  readonly clock: TestClock;
  /** A head over all that is durable. */
  sign(): Promise<string>;
}

/** Three records a day, a checkpoint at the end of each. */
const grow = async (t: { teardown: (fn: () => void) => unknown }): Promise<Grown> => {
  const dir = tempDir(t);
  const clock = new TestClock();
  const log = openLog({ dir, clock, origin: ORIGIN, reserveBytes: 0, bootId: 'b', timers: new TestTimers() });
  const sign = async (): Promise<string> => {
    await log.flush();
    const note = signHead(key, ORIGIN, log.durableHead());
    log.append('checkpoint', { note });
    await log.flush();
    return note;
  };
  for (let day = 0; day < DAYS; day += 1) {
    for (let n = 0; n < 3; n += 1) log.append('operation', { day, n });
    await sign();
    clock.now += DAY_MS;
  }
  clock.now -= DAY_MS;
  return { dir, log, clock, sign };
};

const verify = (dir: string, heads: readonly string[]): Promise<VerifyResult> =>
  verifyLog({ dir, origin: ORIGIN, heads, publicKeys: [key.publicKey] });

const segments = (dir: string): string[] => readdirSync(dir).filter((name) => name.endsWith('.jsonl'));

const prunable = ({ dir, log, clock }: Grown, retainDays = 2) =>
  findPrunable({ dir, nowMs: clock.now, retainDays, signedSize: log.durableHead().size });

t.test('which segment may go', async (t) => {
  const now = Date.UTC(2026, 10, 24, 12);
  const names = ['2026-11-20.jsonl', '2026-11-21.jsonl', '.lock', 'x'];
  t.same(decideOldest(names, now, 3), ['2026-11-20.jsonl', '2026-11-21.jsonl']);
  t.equal(decideOldest(names, now, 4), null, 'its day is not over yet');
  t.equal(decideOldest(names.slice(0, 1), now, 1), null, 'the newest stays');
  t.equal(decideOldest([], now, 1), null);
  t.equal(decideOldest(names, NaN, 1), null, 'a clock gone mad removes nothing');
  const grown = await grow(t);
  t.match(prunable(grown), { file: '2026-11-20.jsonl', size: 4 });
  t.equal(prunable(grown, 4), null);
  const { dir, clock } = grown;
  t.equal(findPrunable({ dir, nowMs: clock.now, retainDays: 1, signedSize: 3 }), null, 'what no head covers stays');
  t.throws(() => removeSegment(dir, '../x'), TypeError);
  await grown.log.close();
});

t.test('AUDIT-25 nothing goes while the segment behind it does not say what went before', async (t) => {
  const grown = await grow(t);
  const { dir, log } = grown;
  await log.close();
  const name = '2026-11-21.jsonl';
  const good = readSegment(dir, name);
  const line = good.toString().split('\n')[0] ?? '';
  for (const begun of [
    '',
    line,
    `\n${line}\n`,
    line.replace('"prev"', '"before"') + '\n',
    line.replace('"seq":5', '"seq":05') + '\n',
  ]) {
    writeSegment(dir, Buffer.from(begun), name);
    t.equal(prunable(grown), null, begun.slice(0, 20));
  }
  writeSegment(dir, good, name);
  t.match(prunable(grown), { file: '2026-11-20.jsonl' }, 'negative control');
});

t.test('AUDIT-25 AUDIT-26 a log that was shortened proves itself, at every step and after every restart', async (t) => {
  const grown = await grow(t);
  const { dir, log, clock } = grown;
  let head = await grown.sign();
  for (let left = DAYS; left > 3; left -= 1) {
    const found = prunable(grown);
    t.ok(found);
    await log.appendDurable('log_pruned', { ...found, retainDays: 2 });
    t.match(await verify(dir, [head]), { ok: true }, 'recorded');
    head = await grown.sign();
    t.match(await verify(dir, [head]), { ok: true }, 'signed');
    removeSegment(dir, found?.file ?? '');
    t.match(await verify(dir, [head]), { ok: true, from: { size: found?.size, hash: found?.hash } }, 'removed');
    t.equal(segments(dir).length, left - 1);
  }
  t.equal(prunable(grown), null, 'nothing older is left');
  await log.close();
  const again = openLog({ dir, clock, origin: ORIGIN, reserveBytes: 0, bootId: 'b', timers: new TestTimers() });
  t.equal(again.sealed, null, 'it opens');
  again.append('operation');
  await again.close();
  t.match(await verify(dir, [head]), { ok: true });
  t.match(await verify(dir, []), { ok: false, firstBad: { line: 1, problem: /no signed head covers/ } });
});

t.test('AUDIT-26 what was removed by another hand is missed', async (t) => {
  const grown = await grow(t);
  const { dir, log } = grown;
  const head = await grown.sign();
  const [first = '', second = ''] = segments(dir);
  const found = prunable(grown);
  await log.appendDurable('log_pruned', { ...found, hash: '00'.repeat(32) });
  const wrong = await grown.sign();
  unlinkSync(join(dir, first));
  t.match(await verify(dir, [head]), {
    ok: false,
    firstBad: { file: second, line: 1, problem: /seq is 5, not 1, and no record says/ },
  });
  t.match(await verify(dir, [wrong]), { ok: false, firstBad: { problem: /no record says/ } }, 'a record of another hash');
  await log.appendDurable('log_pruned', { ...found });
  t.match(
    await verify(dir, [wrong]),
    { ok: false, firstBad: { problem: /no signed head covers/ } },
    'a record that nobody signed',
  );
  const good = await grown.sign();
  t.match(await verify(dir, [good]), { ok: true }, 'negative control');
  unlinkSync(join(dir, second));
  t.match(await verify(dir, [good]), { ok: false, firstBad: { problem: /seq is 9, not 1/ } }, 'one more than was said');
  await log.close();
});

t.test('AUDIT-26 AUDIT-32 a head that somebody kept of what was removed proves nothing, and is no fault', async (t) => {
  const grown = await grow(t);
  const { dir, log } = grown;
  const [first = ''] = segments(dir);
  const found = prunable(grown) ?? { size: 0, hash: '' };
  await log.appendDurable('log_pruned', { ...found });
  const head = await grown.sign();
  await log.close();
  unlinkSync(join(dir, first));
  const noteAt = (size: number, hash = '11'.repeat(32)): string => signHead(key, ORIGIN, { size, hash });
  const verifyKept = (...notes: readonly string[]): Promise<VerifyResult> => {
    const kept = notes.map((note, at) => ({ note, name: `kept ${at + 1}` }));
    return verifyLog({ dir, origin: ORIGIN, heads: [head], kept, publicKeys: [key.publicKey] });
  };
  const before = [{ name: 'kept 2', size: found.size - 1 }];
  const counted = (await verify(dir, [head])).checkpoints;
  t.match(await verifyKept(head, noteAt(found.size - 1)), { ok: true, checkpoints: counted + 1, before });
  t.equal((await verifyKept(head)).before, undefined, 'nothing is said of what is there');
  t.match(await verifyKept(noteAt(found.size, found.hash)), { ok: true, checkpoints: counted + 1 }, 'of exactly where it begins');
  t.match(await verifyKept(noteAt(found.size)), { ok: false, firstBad: { problem: 'kept 1 has another history' } });
  t.match(await verifyKept(head, noteAt(found.size + 1)), { ok: false, firstBad: { problem: 'kept 2 has another history' } });
  t.match(await verifyKept(noteAt(99)), { ok: false, firstBad: { file: 'kept 1', problem: /the log ends at/ } });
  t.match(
    await verify(dir, [head, noteAt(1)]),
    { ok: false, firstBad: { problem: 'the signed head of 1 records lies before the log' } },
    'negative control: one that has to be there',
  );
});

t.test('a removal that fails leaves the segment or a good log', async (t) => {
  const grown = await grow(t);
  const { dir } = grown;
  for (const call of ['unlink', 'open', 'syncSync'] as const) {
    const file = segments(dir)[0] ?? '';
    const fs = faultyFs((name) => (name === call ? failure('EIO') : null));
    t.throws(() => removeSegment(dir, file, fs), /EIO/);
    t.equal(existsSync(join(dir, file)), call === 'unlink');
  }
  await grown.log.close();
});

t.test('AUDIT-3 segments change while hundreds of records wait', async (t) => {
  const dir = tempDir(t);
  const clock = new TestClock();
  const log = openLog({ dir, clock, reserveBytes: 0, bootId: 'b', timers: new TestTimers() });
  const waiting: Promise<unknown>[] = [];
  for (let n = 0; n < 1200; n += 1) {
    if (n % 100 === 50) clock.now += DAY_MS;
    if (n % 400 === 399) clock.now -= 3 * DAY_MS;
    if (n % 3 === 0) waiting.push(log.appendDurable('operation', { n }));
    else if (n % 3 === 1) waiting.push(log.appendGrouped('operation', { n }).written);
    else log.append('operation', { n });
    if (n % 97 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(waiting);
  await log.close();
  t.match(await verifyLog({ dir }), { ok: true, records: 1200 });
  t.ok(segments(dir).length >= 6, `${segments(dir).length} segments`);
});

t.test('AUDIT-3 a segment that cannot be started seals, and what was acknowledged is there', async (t) => {
  const dir = tempDir(t);
  const clock = new TestClock();
  let armed = false;
  const fs = faultyFs((call) => (armed && call === 'open' ? failure('ENOSPC') : null));
  const log = openLog({ dir, clock, fs, reserveBytes: 0, bootId: 'b', timers: new TestTimers() });
  await log.appendDurable('operation');
  armed = true;
  clock.now += DAY_MS;
  await t.rejects(log.appendDurable('operation'), { code: 'AUDIT_UNAVAILABLE' });
  t.match(log.sealed, { message: /2026-11-21\.jsonl: ENOSPC/ });
  await log.close();
  t.match(await verifyLog({ dir }), { ok: true, records: 1 });
});
