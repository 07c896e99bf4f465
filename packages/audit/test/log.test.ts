import { appendFileSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import {
  DIGEST_WINDOW,
  EMPTY_HEAD,
  RESERVE_BYTES,
  decideHead,
  generateHeadKey,
  openLog,
  parsePrivateKey,
  query,
  signHead,
  verifyLog,
  type LogFs,
} from '../src/index.js';
import { DigestWindow } from '../src/digest-window.js';
import { DAY_MS, SEGMENT, TestClock, TestTimers, faultyFs, readSegment, tempDir, testLog, writeSegment } from './fixture.js';

const UNAVAILABLE = { code: 'AUDIT_UNAVAILABLE' };

t.test('AUDIT-1 AUDIT-2 records chain, and every way of appending numbers them', async (t) => {
  const dir = tempDir(t);
  const log = testLog(dir);
  t.equal(log.sealed, null);
  t.same(log.head(), EMPTY_HEAD);
  const first = log.appendDurable('access_requested', { role: 'default' });
  t.equal(log.append('operation', { count: 1 }), 2);
  t.equal(log.appendDurableSync('locked'), 3);
  t.equal(await first, 1);
  t.same(log.durableHead(), log.head());
  t.same(decideHead(EMPTY_HEAD, { ...log.head(), digests: log.digestsSince(0) }), log.head());
  t.equal(log.digestsSince(1, 1).length, 1);
  t.throws(() => log.digestsSince(4), UNAVAILABLE);
  await log.close();
  t.match(await verifyLog({ dir }), { ok: true, records: 3 });
  await t.rejects(log.appendDurable('late'), UNAVAILABLE);
  await t.rejects(log.flush(), UNAVAILABLE);
});

t.test('append is written before it returns, and synced by the timer', async (t) => {
  const dir = tempDir(t);
  const timers = new TestTimers();
  const log = testLog(dir, { timers });
  log.append('operation');
  log.append('operation');
  t.equal(readSegment(dir).toString().split('\n').length, 3);
  t.equal(log.durableHead().size, 0);
  t.equal(timers.pending.length, 1);
  timers.runAll();
  await log.flush();
  t.equal(log.durableHead().size, 2);
  await log.flush();
  await log.close();
});

t.test('what is written while a sync runs is synced by the timer after it', async (t) => {
  const timers = new TestTimers();
  const running: (() => void)[] = [];
  const fs: LogFs = { ...faultyFs(() => null), datasync: (_fd, done) => void running.push(() => done(null)) };
  const log = testLog(tempDir(t), { timers, fs });
  const first = log.appendDurable('operation');
  await new Promise((resolve) => void setImmediate(resolve));
  log.append('operation');
  timers.runAll();
  t.equal(running.length, 1, 'one sync at a time');
  running.shift()?.();
  t.equal(await first, 1);
  t.equal(log.durableHead().size, 1);
  timers.runAll();
  running.shift()?.();
  t.equal(log.durableHead().size, 2);
  await log.close();
});

t.test('durable appends at the same time share one sync', async (t) => {
  const fs = faultyFs(() => null);
  const log = testLog(tempDir(t), { fs });
  await log.appendDurable('operation');
  const before = fs.calls.get('datasync') ?? 0;
  await Promise.all(Array.from({ length: 64 }, () => log.appendDurable('operation')));
  t.equal((fs.calls.get('datasync') ?? 0) - before, 1);
  await log.close();
});

t.test('AUDIT-3 segments by day; a clock set back goes on in the newest', async (t) => {
  const dir = tempDir(t);
  const clock = new TestClock();
  const log = testLog(dir, { clock });
  log.append('operation', { n: 1 });
  clock.now += DAY_MS;
  log.append('operation', { n: 2 });
  clock.now -= 10 * DAY_MS;
  await log.appendDurable('operation', { n: 3, service: 'gmail' });
  clock.now = Number.NaN;
  log.append('operation', { n: 4 });
  await log.close();
  t.match(await verifyLog({ dir }), { ok: true, records: 4 });
  t.equal(readSegment(dir, '2026-11-21.jsonl').toString().split('\n').length, 4);
  const found = [];
  for await (const record of query({ dir, filter: { last: 2 } })) found.push(record['n']);
  t.same(found, [3, 4]);
  const named = [];
  for await (const record of query({
    dir,
    filter: { service: 'gmail', event: 'operation', sinceMs: 0, untilMs: Date.UTC(2026, 10, 12) },
  }))
    named.push(record['n']);
  t.same(named, [3]);
  const again = testLog(dir, { durableHead: log.head() });
  t.equal(again.sealed, null);
  t.equal(again.digestsSince(0).length, 4, 'older digests come from disk');
  await again.close();
});

t.test('AUDIT-7 fields are bounded, well-formed and named once', async (t) => {
  const dir = tempDir(t);
  const log = testLog(dir);
  const long = 'k'.repeat(80);
  log.append('operation', {
    a: 'x'.repeat(5000),
    b: '\ud800!',
    c: undefined,
    d: [1, Number.NaN],
    ['__proto__']: 'p',
    [`${long}1`]: 1,
    [`${long}2`]: 2,
  });
  log.append('operation', {
    many: Array.from({ length: 100 }, (_, i) => i),
    emoji: `${'x'.repeat(1023)}\u{1f600}${'y'.repeat(9)}`,
  });
  log.append('operation', Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`f${i}`, 'z'.repeat(1024)])));
  let deep: { [key: string]: object | number } = { n: 1 };
  for (let i = 0; i < 30; i += 1) deep = { deep };
  log.append('operation', { deep: deep as never });
  t.throws(() => log.append('operation', { seq: 1 }), TypeError);
  t.throws(() => log.append('Not an event'), TypeError);
  await log.close();
  t.match(await verifyLog({ dir }), { ok: true, records: 4 });
  const [first, second, third] = readSegment(dir)
    .toString()
    .split('\n')
    .slice(0, 3)
    .map((line) => JSON.parse(line) as Record<string, string>);
  t.match(first?.['a'], /^x{1024}…\[\+3976\]$/);
  t.equal(first?.['b'], '\ufffd!');
  t.notOk(Object.hasOwn(first ?? {}, 'c'));
  t.match(second?.['emoji'], /^x{1023}…\[\+11\]$/);
  t.match(third, { cut: true, bytes: Number });
});

t.test('AUDIT-8 a tail torn at any byte is cut, and the cut recorded', async (t) => {
  const whole = tempDir(t);
  const log = testLog(whole);
  log.append('operation', { n: 1 });
  const one = readSegment(whole).length;
  log.append('operation', { n: 2, text: 'ä' });
  await log.close();
  const bytes = readSegment(whole);
  for (let length = one; length <= bytes.length; length += 1) {
    writeSegment(whole, bytes.subarray(0, length));
    const again = testLog(whole);
    t.equal(again.sealed, null, `torn at ${length}`);
    const torn = length - one > 0 && length < bytes.length;
    t.equal(again.head().size, torn || length === bytes.length ? 2 : 1);
    t.equal(readSegment(whole).includes(`"event":"log_cut","bytes":${length - one},`), torn);
    await again.close();
    t.match(await verifyLog({ dir: whole }), { ok: true });
  }
});

t.test('AUDIT-8 zeros after a power cut are cut; a cut on another day stays within its segment', async (t) => {
  const dir = tempDir(t);
  await testLog(dir).close();
  const log = testLog(dir);
  log.append('operation');
  await log.close();
  appendFileSync(join(dir, SEGMENT), Buffer.alloc(5000));
  const clock = new TestClock();
  clock.now += DAY_MS;
  const again = testLog(dir, { clock });
  t.equal(again.sealed, null);
  again.append('operation');
  await again.close();
  t.match(await verifyLog({ dir }), { ok: true, records: 3 });
});

t.test('AUDIT-9 any other damage seals, named by file and line', async (t) => {
  const dir = tempDir(t);
  const log = testLog(dir);
  for (let n = 1; n <= 5; n += 1) log.append('operation', { n });
  await log.close();
  const bytes = readSegment(dir);
  const text = bytes.toString();
  const damaged: readonly (readonly [string, string, RegExp])[] = [
    ['a line in the middle no longer parses', text.replace('"n":3', '"n":'), /2026-11-20\.jsonl line 3/],
    ['edited', text.replace('"n":3', '"n":9'), /line 4: prev/],
    ['shorter than the durable head', text.split('\n').slice(0, 3).join('\n') + '\n', /ends at record 3/],
    ['torn before the durable head', text.slice(0, -3), /line 5: the last line/],
  ];
  for (const [name, content, message] of damaged) {
    writeSegment(dir, Buffer.from(content));
    const sealed = testLog(dir, { durableHead: log.head() });
    t.match(sealed.sealed, { ...UNAVAILABLE, message }, name);
    t.throws(() => sealed.append('operation'), UNAVAILABLE);
    t.equal(sealed.hasRoom(), false);
    await sealed.close();
    t.equal(readSegment(dir).toString(), content, 'nothing was changed');
  }
  writeSegment(dir, bytes);
  const other = testLog(dir, { durableHead: { size: 5, hash: 'ab'.repeat(32) } });
  t.match(other.sealed, { message: /another history/ });
});

t.test('AUDIT-8 damage with a whole record behind it is no torn tail, whatever the durable head', async (t) => {
  const dir = tempDir(t);
  const log = testLog(dir);
  for (let n = 1; n <= 5; n += 1) log.append('operation', { n });
  await log.close();
  const content = readSegment(dir).toString().replace('"n":3', '"n":');
  writeSegment(dir, Buffer.from(content));
  t.match(testLog(dir).sealed, { message: /2026-11-20\.jsonl line 3: not JSON/ });
  t.equal(readSegment(dir).toString(), content);
  writeSegment(dir, Buffer.from(content.split('\n').slice(0, 3).join('\n') + '\n'));
  const cut = testLog(dir);
  t.equal(cut.sealed, null, 'the same line at the end is one');
  await cut.close();
});

t.test('a short write while a cut is recorded goes on; without progress it seals', async (t) => {
  for (const answer of ['short', 'zero'] as const) {
    const dir = tempDir(t);
    const log = testLog(dir);
    log.append('operation', { n: 1 });
    await log.close();
    appendFileSync(join(dir, SEGMENT), '{"seq":2');
    // The first write is the lock's.
    const again = testLog(dir, { fs: faultyFs((call, nth) => (call === 'write' && nth === 2 ? answer : null)) });
    t.equal(again.sealed === null, answer === 'short');
    await again.close();
  }
});

t.test('digests are held up to a bound, and come from disk beyond it', (t) => {
  const window = new DigestWindow(7);
  const digest = (n: number): Buffer => Buffer.alloc(32, n.toString(16).padStart(8, '0'));
  const total = DIGEST_WINDOW + 3000;
  for (let n = 0; n < total; n += 1) window.push(digest(n).toString('latin1'));
  t.equal(window.since(7, 1), null);
  t.same(window.since(7 + 3000, 2), [digest(3000), digest(3001)]);
  t.same(window.since(7 + total - 1, 9), [digest(total - 1)]);
  t.same(window.since(7 + total, 9), []);
  t.end();
});

t.test('the newest checkpoint record stands for a durable head that is not given', async (t) => {
  const dir = tempDir(t);
  const origin = 'airlock/gateway';
  const key = parsePrivateKey(generateHeadKey(origin).privateKey);
  const clock = new TestClock();
  const log = testLog(dir, { origin, clock });
  await log.appendDurable('operation', { n: 1 });
  const note = signHead(key, origin, log.head());
  await log.appendDurable('checkpoint', { note });
  clock.now += DAY_MS;
  await log.appendDurable('operation', { n: 2 });
  await log.close();
  t.match(await verifyLog({ dir, origin, publicKeys: [key.publicKey] }), { ok: true, records: 3, checkpoints: 1 });
  t.match(await verifyLog({ dir, origin, publicKeys: [generateHeadKey(origin).publicKey] }), {
    ok: false,
    firstBad: { line: 2 },
  });
  writeSegment(dir, Buffer.from(readSegment(dir).toString().replace('"n":1', '"n":7')));
  const damaged = testLog(dir, { origin });
  t.match(damaged.sealed, { message: /line 1: another history/ });
  t.equal(damaged.checkpoint, note, 'the newest signed head is told of a log that cannot be used');
  t.equal(testLog(dir).checkpoint, null, 'negative control: of no origin there is none');
});

t.test('room: free space is asked for, and below the minimum agents are refused', async (t) => {
  const dir = tempDir(t);
  const log = openLog({ dir, clock: new TestClock(), minFreeBytes: 1 });
  t.ok(log.freeBytes() > 1);
  t.ok(log.hasRoom());
  t.equal(statSync(join(dir, '.reserve')).size, RESERVE_BYTES);
  await log.close();
  const blind = testLog(dir, { fs: faultyFs((call) => (call === 'freeBytes' ? new Error('EIO') : null)) });
  t.equal(blind.hasRoom(), false);
  await blind.close();
  const poor = testLog(dir, { minFreeBytes: Number.MAX_SAFE_INTEGER });
  t.equal(poor.hasRoom(), false);
  await poor.close();
  mkdirSync(join(dir, 'other'));
  t.equal(testLog(dir, { reserveBytes: 0 }).sealed, null);
});
