/** AUDIT-17, AUDIT-18 on a real file system that is small, full, then read-only; as root, in tmpfs. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { openLog, verifyLog, type AuditLog } from '../src/index.js';
import { TestClock, TestTimers } from './fixture.js';

const MIB = 1 << 20;
const mount = (...args: readonly string[]): boolean => spawnSync('mount', args).status === 0;

const openAt = (dir: string): AuditLog =>
  openLog({ dir, clock: new TestClock(), reserveBytes: MIB / 2, minFreeBytes: MIB / 4, bootId: 'b', timers: new TestTimers() });

t.test('a disk that fills up, stays full, has room again, becomes read-only, and is writable again', async (t) => {
  const base = mkdtempSync(join(tmpdir(), 'airlock-disk-'));
  t.teardown(() => {
    spawnSync('umount', [base]);
    rmSync(base, { recursive: true, force: true });
  });
  // Where nothing can be mounted the same failures are injected: faults.test.ts.
  if (process.getuid?.() !== 0 || !mount('-t', 'tmpfs', '-o', 'size=2m,mode=0700', 'tmpfs', base)) {
    t.comment('not root: no file system of its own');
    t.equal(openAt(join(base, 'log')).sealed, null);
    return;
  }
  const dir = join(base, 'log');
  const log = openAt(dir);
  t.ok(log.hasRoom(), 'negative control: there is room');
  writeFileSync(join(base, 'filler'), Buffer.alloc(MIB));
  const acknowledged: number[] = [];
  for (let n = 0; n < 4000 && log.sealed === null; n += 1) {
    try {
      acknowledged.push(log.appendDurableSync('operation', { n, text: 'x'.repeat(500) }));
    } catch {
      break;
    }
  }
  t.match(log.sealed, { code: 'AUDIT_UNAVAILABLE', message: /no space left/, data: { hint: /airlock-ctl audit reopen/ } });
  t.equal(log.hasRoom(), false);
  t.throws(() => log.append('operation'), { code: 'AUDIT_UNAVAILABLE' });
  await log.close();
  const found = await verifyLog({ dir });
  t.match(found, { ok: true, records: acknowledged.length + 1 }, 'every record that was acknowledged is there, and `sealed`');

  writeFileSync(join(base, 'more'), Buffer.alloc(MIB / 2 - 65_536));
  t.match(openAt(dir).sealed, { message: /\.reserve: ENOSPC|no space/ }, 'still full: sealed, and says why');
  unlinkSync(join(base, 'more'));
  unlinkSync(join(base, 'filler'));
  const again = openAt(dir);
  t.equal(again.sealed, null, 'with room it opens');
  again.appendDurableSync('started');
  await again.close();

  t.ok(mount('-o', 'remount,ro', base));
  t.match(openAt(dir).sealed, { message: /EROFS/ }, 'read-only: sealed, and says why');
  t.match(await verifyLog({ dir }), { ok: true, records: acknowledged.length + 2 }, 'and can be verified');
  t.ok(mount('-o', 'remount,rw', base));
  const last = openAt(dir);
  t.equal(last.sealed, null);
  t.equal(last.append('started'), acknowledged.length + 3);
  await last.close();
  mkdirSync(join(base, 'x'));
});
