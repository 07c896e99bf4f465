import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { nodeFs, verifyLog, type LogFs } from '../src/index.js';
import { APPEND_FLAGS } from '../src/log-fs.js';
import { DAY_MS, TestClock, failure, faultyFs, readSegment, tempDir, testLog } from './fixture.js';

const UNAVAILABLE = { code: 'AUDIT_UNAVAILABLE' };

t.test('AUDIT-17 a full disk: the reserve holds the record at hand and `sealed`, then nothing more', async (t) => {
  for (const kind of ['zero', failure('ENOSPC'), failure('EDQUOT')] as const) {
    const dir = tempDir(t);
    let full = false;
    let partial = true;
    const fs = faultyFs((call) => {
      if (call !== 'write' || !full || !existsSync(join(dir, '.reserve'))) return null;
      if (partial) {
        partial = false;
        return 'short';
      }
      return kind;
    });
    const log = testLog(dir, { fs });
    await log.appendDurable('operation');
    full = true;
    t.equal(log.appendDurableSync('lease_issued', { lease: 'x' }), 2);
    t.match(log.sealed, { message: /no space/ });
    await t.rejects(log.appendDurable('operation'), UNAVAILABLE);
    t.throws(() => log.append('operation'), UNAVAILABLE);
    await log.close();
    t.match(await verifyLog({ dir }), { ok: true, records: 3 });
    t.match(readSegment(dir).toString(), /"event":"sealed","reason":"no space"/);
    t.match(testLog(dir, { fs: faultyFs((call) => (call === 'write' ? failure('ENOSPC') : null)) }).sealed, UNAVAILABLE);
  }
});

t.test('AUDIT-16 a failed sync is final, for those who wait too', async (t) => {
  for (const call of ['datasync', 'datasyncSync'] as const) {
    const dir = tempDir(t);
    const armed = { now: false };
    const fs = faultyFs((name) => (armed.now && name === call ? failure('EIO') : null));
    const log = testLog(dir, { fs });
    await log.appendDurable('operation');
    armed.now = true;
    const waiting = log.appendDurable('operation');
    if (call === 'datasyncSync') t.throws(() => log.appendDurableSync('operation'), UNAVAILABLE);
    await t.rejects(waiting, UNAVAILABLE);
    armed.now = false;
    const bytes = readSegment(dir).length;
    t.throws(() => log.append('operation'), UNAVAILABLE);
    t.throws(() => log.digestsSince(0), UNAVAILABLE);
    t.equal(readSegment(dir).length, bytes, 'nothing is written after it');
    t.equal(log.head().size, 1);
    await log.close();
  }
});

t.test('AUDIT-17 a disk that is full even without the reserve refuses the record at hand', async (t) => {
  const dir = tempDir(t);
  let full = false;
  const log = testLog(dir, { fs: faultyFs((call) => (full && call === 'write' ? failure('ENOSPC') : null)) });
  await log.appendDurable('operation');
  full = true;
  const bytes = readSegment(dir);
  const waiting = log.appendDurable('operation');
  t.throws(() => log.append('operation'), { ...UNAVAILABLE, message: /writing: ENOSPC/ });
  await t.rejects(waiting, UNAVAILABLE);
  t.notOk(existsSync(join(dir, '.reserve')), 'the reserve was given up for it');
  t.same(readSegment(dir), bytes);
  t.equal(log.head().size, 1);
  await log.close();
  t.match(await verifyLog({ dir }), { ok: true, records: 1 });
});

t.test('the first failure is the reason that stays, and it is told once', async (t) => {
  const dir = tempDir(t);
  const told: string[] = [];
  let failing = false;
  let endSync: (error: Error | null) => void = () => t.fail('no sync was begun');
  const fs: LogFs = {
    ...faultyFs((call) => (failing && call === 'write' ? failure('EIO') : null)),
    datasync: (_fd, done) => (endSync = done),
  };
  const log = testLog(dir, { fs, onSealed: ({ message }) => told.push(message) });
  const waiting = log.appendDurable('operation');
  await new Promise((resolve) => void setImmediate(resolve));
  failing = true;
  t.throws(() => log.append('operation'), { ...UNAVAILABLE, message: /writing: EIO/ });
  await t.rejects(waiting, { message: /writing: EIO/ });
  endSync(failure('EDQUOT'));
  t.match(log.sealed, { message: /writing: EIO/ });
  t.equal(told.length, 1);
  await log.close();
});

t.test(
  'AUDIT-3 a segment whose descriptor fails to close is not closed again: the number may be that of another file by then',
  async (t) => {
    const clock = new TestClock();
    const appending = new Set<number>();
    const closed: number[] = [];
    const fs: LogFs = {
      ...nodeFs,
      open: (path, flags, mode) => {
        const fd = nodeFs.open(path, flags, mode);
        if (flags === APPEND_FLAGS) appending.add(fd);
        return fd;
      },
      close: (fd) => {
        if (!appending.has(fd)) return nodeFs.close(fd);
        closed.push(fd);
        throw failure('EIO');
      },
    };
    const log = testLog(tempDir(t), { clock, fs });
    await log.appendDurable('operation');
    const [segment] = appending;
    clock.now += DAY_MS;
    t.throws(() => log.append('operation'), { ...UNAVAILABLE, message: /a new segment: EIO/ });
    await log.close();
    t.same(closed, [segment]);
    for (const fd of appending) nodeFs.close(fd);
  },
);

t.test(
  'AUDIT-15 AUDIT-18 every call failing in turn: opening never throws, nothing durable is lost, nothing unrecorded succeeds',
  async (t) => {
    const calls = ['open', 'stat', 'read', 'write', 'datasyncSync', 'datasync', 'syncSync', 'unlink', 'mkdir', 'list'] as const;
    let runs = 0;
    for (const call of calls)
      for (const answer of [failure('EIO'), failure('ENOSPC'), 'zero', 'short'] as const)
        for (let nth = 1; nth <= 16; nth += 1) {
          if (typeof answer === 'string' && call !== 'write') continue;
          const dir = tempDir(t);
          const setup = testLog(dir);
          setup.append('operation', { n: 0 });
          await setup.close();
          const clock = new TestClock();
          const log = testLog(dir, { clock, fs: faultyFs((name, count) => (name === call && count === nth ? answer : null)) });
          const acknowledged: number[] = log.sealed === null || log.head().size > 0 ? [1] : [];
          const keep = (seq: number): number => acknowledged.push(seq);
          const ignore = (): undefined => undefined;
          for (let n = 1; n <= 4; n += 1) {
            await log.appendDurable('operation', { n }).then(keep, ignore);
            try {
              keep(log.appendDurableSync('operation', { n }));
            } catch {
              ignore();
            }
            clock.now += n === 2 ? DAY_MS : 0;
          }
          await log.close();
          // A lock that could not be removed is stale once its process has ended.
          rmSync(join(dir, '.lock'), { force: true });
          const again = testLog(dir);
          t.equal(again.sealed, null, `${call} ${String(answer)} ${nth}: ${again.sealed?.message ?? ''}`);
          t.ok(again.head().size >= Math.max(1, ...acknowledged), 'every acknowledged record is there');
          await again.close();
          t.match(await verifyLog({ dir }), { ok: true });
          runs += 1;
        }
    t.ok(runs > 300);
  },
);
