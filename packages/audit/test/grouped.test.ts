import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { verifyLog } from '../src/index.js';
import { SEGMENT, TestTimers, failure, faultyFs, readSegment, tempDir, testLog } from './fixture.js';

const UNAVAILABLE = { code: 'AUDIT_UNAVAILABLE' };
const lines = (dir: string): number => readSegment(dir).toString().split('\n').length - 1;

t.test('the records of one turn share one look at the file and one write', async (t) => {
  const dir = tempDir(t);
  const fs = faultyFs(() => null);
  const timers = new TestTimers();
  const log = testLog(dir, { fs, timers });
  await log.appendGrouped('operation').written;
  const before = { stat: fs.calls.get('stat') ?? 0, write: fs.calls.get('write') ?? 0 };
  const group = Array.from({ length: 64 }, (_, n) => log.appendGrouped('operation', { n }));
  t.equal(lines(dir), 1, 'nothing is written before the end of the turn');
  await Promise.all(group.map(({ written }) => written));
  t.equal(lines(dir), 65);
  t.same(
    group.map(({ seq }) => seq),
    Array.from({ length: 64 }, (_, n) => n + 2),
  );
  t.equal(fs.calls.get('stat'), before.stat + 1);
  t.equal(fs.calls.get('write'), before.write + 1);
  t.equal(timers.pending.length, 1, 'the sync of a read is armed');
  await log.close();
  t.match(await verifyLog({ dir }), { ok: true, records: 65 });
});

t.test('what is written at once within the turn takes the group along, in order', async (t) => {
  const dir = tempDir(t);
  const log = testLog(dir);
  const { seq, written } = log.appendGrouped('operation', { n: 1 });
  t.equal(log.append('operation', { n: 2 }), seq + 1);
  t.equal(lines(dir), 2);
  await written;
  t.match(readSegment(dir).toString(), /"n":1.*\n.*"n":2/);
  const last = log.appendGrouped('operation', { n: 3 });
  await log.close();
  await last.written;
  t.match(await verifyLog({ dir }), { ok: true, records: 3 });
  t.throws(() => log.appendGrouped('late'), UNAVAILABLE);
});

t.test('AUDIT-15 where the write fails, every record of the group is refused', async (t) => {
  for (const call of ['stat', 'write'] as const) {
    let armed = false;
    const dir = tempDir(t);
    const log = testLog(dir, { fs: faultyFs((name) => (armed && name === call ? failure('EIO') : null)) });
    await log.appendGrouped('operation').written;
    armed = true;
    const group = [log.appendGrouped('operation'), log.appendGrouped('operation')];
    for (const { written } of group) await t.rejects(written, UNAVAILABLE);
    t.throws(() => log.appendGrouped('operation'), UNAVAILABLE);
    t.equal(lines(dir), 1);
    await log.close();
  }
});

t.test('AUDIT-15 a group that another append failed to write is refused, though nobody waits yet', async (t) => {
  let armed = false;
  const log = testLog(tempDir(t), { fs: faultyFs((name) => (armed && name === 'write' ? failure('EIO') : null)) });
  armed = true;
  const { written } = log.appendGrouped('operation');
  t.throws(() => log.append('operation'), UNAVAILABLE);
  await new Promise((resolve) => void setImmediate(resolve));
  await t.rejects(written, UNAVAILABLE);
  await log.close();
});

t.test('AUDIT-14 another hand in the file refuses the group', async (t) => {
  const dir = tempDir(t);
  const log = testLog(dir);
  await log.appendGrouped('operation').written;
  appendFileSync(join(dir, SEGMENT), '{}\n');
  await t.rejects(log.appendGrouped('operation').written, UNAVAILABLE);
  await log.close();
});

t.test('AUDIT-17 on a full disk the group at hand is completed, and whoever comes next is refused', async (t) => {
  const dir = tempDir(t);
  let full = false;
  const log = testLog(dir, {
    fs: faultyFs((call, nth) => {
      if (call !== 'write' || !full) return null;
      full = false;
      return nth > 0 ? failure('ENOSPC') : null;
    }),
  });
  await log.appendGrouped('operation').written;
  full = true;
  const group = [log.appendGrouped('operation'), log.appendGrouped('operation')];
  await Promise.all(group.map(({ written }) => written));
  t.match(log.sealed, { message: /no space/ });
  t.throws(() => log.appendGrouped('operation'), UNAVAILABLE);
  await log.close();
  t.match(await verifyLog({ dir }), { ok: true, records: 4 });
});
