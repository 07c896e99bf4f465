import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { nodeFs, openLog, verifyLog, type AuditLog, type LogFs } from '../src/index.js';
import { SEGMENT, TestClock, TestTimers, failure, faultyFs, tempDir, testLog } from './fixture.js';

const UNAVAILABLE = { code: 'AUDIT_UNAVAILABLE' };

t.test('AUDIT-12 a symlink, a hard link, a mode others can write, a foreign kind: sealed', async (t) => {
  const dir = tempDir(t);
  await testLog(dir).close();
  const log = testLog(dir);
  log.append('operation');
  await log.close();
  const path = join(dir, SEGMENT);
  chmodSync(path, 0o620);
  t.match(testLog(dir).sealed, { message: /written by others/ });
  chmodSync(path, 0o600);
  linkSync(path, `${dir}.link`);
  t.match(testLog(dir).sealed, { message: /2 names/ });
  renameSync(`${dir}.link`, path);
  renameSync(path, `${dir}.real`);
  symlinkSync(`${dir}.real`, path);
  t.match(testLog(dir).sealed, { message: /ELOOP/ });
  const linked = `${dir}.symlink`;
  symlinkSync(dir, linked);
  t.match(testLog(linked).sealed, UNAVAILABLE);
  chmodSync(dir, 0o770);
  t.match(testLog(dir).sealed, { message: /written by others/ });
  writeFileSync(`${dir}.file`, '');
  t.match(testLog(`${dir}.file`).sealed, UNAVAILABLE);
  t.match(testLog(join(dir, 'no', 'parent')).sealed, { message: /ENOENT/ });
});

t.test('AUDIT-12 a foreign owner seals', (t) => {
  const fs = faultyFs(() => null);
  const log = testLog(tempDir(t), {
    fs: { ...fs, stat: (fd) => ({ ...fs.stat(fd), size: fs.stat(fd).size, mode: fs.stat(fd).mode, nlink: 1, uid: 4711 }) },
  });
  t.match(log.sealed, { message: /belongs to uid 4711/ });
  t.end();
});

t.test('AUDIT-13 a second writer is refused; a stale lock is not', async (t) => {
  const dir = tempDir(t);
  const log = testLog(dir);
  t.match(testLog(dir).sealed, { message: /another writer/ });
  t.ok(existsSync(join(dir, '.lock')), 'the refused one leaves the lock alone');
  await log.close();
  t.notOk(existsSync(join(dir, '.lock')));
  const lives = readFileSync('/proc/1/stat', 'latin1');
  const start = lives.slice(lives.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  const locks: readonly (readonly [string, boolean])[] = [
    [`1 ${start} boot=b\n`, true],
    [`1 ${start} boot=another\n`, false],
    [`1 9${start} boot=b\n`, false],
    [`4194305 1 boot=b\n`, false],
    ['', false],
  ];
  for (const [lock, refused] of locks) {
    writeFileSync(join(dir, '.lock'), lock, { mode: 0o600 });
    const next = testLog(dir);
    t.equal(next.sealed !== null, refused, JSON.stringify(lock));
    await next.close();
  }
});

/** A /proc in which these files are not to be seen. */
const hidden = (path: RegExp): LogFs => ({
  ...nodeFs,
  procText: (name) => {
    if (path.test(name)) throw failure('ENOENT');
    return nodeFs.procText(name);
  },
});

t.test('AUDIT-13 where /proc hides the boot, pid and start time decide alone', async (t) => {
  const dir = tempDir(t);
  const fs = hidden(/boot_id$/);
  const open = (): AuditLog => openLog({ dir, fs, clock: new TestClock(), reserveBytes: 0, timers: new TestTimers() });
  const log = open();
  t.equal(log.sealed, null);
  const lock = readFileSync(join(dir, '.lock'), 'latin1');
  t.match(lock, /^\d+ \d+ boot=\n$/);
  t.match(open().sealed, { ...UNAVAILABLE, message: `another writer, process ${process.pid}` });
  await log.close();
  writeFileSync(join(dir, '.lock'), lock.replace(' ', ' 9'), { mode: 0o600 });
  const next = open();
  t.equal(next.sealed, null, 'the same pid, started at another moment');
  await next.close();
});

t.test('AUDIT-13 AUDIT-14 where /proc hides processes, the first writer finds that a second one wrote', async (t) => {
  const dir = tempDir(t);
  const fs = hidden(/./);
  const first = testLog(dir, { fs });
  await first.appendDurable('operation', { n: 1 });
  const second = testLog(dir, { fs });
  t.equal(second.sealed, null, 'the lock cannot be judged');
  await second.appendDurable('operation', { n: 2 });
  await t.rejects(first.appendDurable('operation', { n: 3 }), { ...UNAVAILABLE, message: /another hand wrote to it/ });
  await first.close();
  await second.close();
  t.match(await verifyLog({ dir }), { ok: true, records: 2 });
});

t.test('AUDIT-13 of two that replace a stale lock at once, the one that comes second is refused', async (t) => {
  const dir = tempDir(t);
  mkdirSync(dir, { mode: 0o700 });
  const lock = join(dir, '.lock');
  const other = '1 1 boot=b\n';
  writeFileSync(lock, '4194305 1 boot=b\n', { mode: 0o600 });
  const fs: LogFs = {
    ...nodeFs,
    unlink: (path) => {
      nodeFs.unlink(path);
      writeFileSync(path, other, { mode: 0o600 });
    },
  };
  t.match(testLog(dir, { fs }).sealed, { ...UNAVAILABLE, message: /another writer/ });
  t.equal(readFileSync(lock, 'latin1'), other, 'and leaves the lock of the first');
});

t.test('AUDIT-14 another hand on the file seals at the next append', async (t) => {
  const tampers: readonly ((path: string) => void)[] = [
    (path) => appendFileSync(path, '{}\n'),
    (path) => truncateSync(path, 10),
    (path) => linkSync(path, `${path}.copy`),
    (path) => renameSync(path, join(path, '..', '..', 'gone')),
  ];
  for (const tamper of tampers) {
    const dir = tempDir(t);
    const sealed: string[] = [];
    const log = testLog(dir, { onSealed: (error) => sealed.push(error.message) });
    await log.appendDurable('operation');
    tamper(join(dir, SEGMENT));
    if (tamper === tampers[3]) writeFileSync(join(dir, SEGMENT), '');
    const later = log.appendDurable('operation');
    if (tamper === tampers[3]) {
      // Renamed within the file system: size and name count are the same, so only recovery and verification see it.
      await later;
      await log.close();
      t.match(await verifyLog({ dir }), { records: 0 });
      continue;
    }
    await t.rejects(later, UNAVAILABLE);
    t.equal(sealed.length, 1);
    await log.close();
  }
});
