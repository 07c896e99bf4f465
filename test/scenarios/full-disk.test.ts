// The disk of the record is full: sealed, said by status and doctor, and open again once there is room. As root, in tmpfs.
import { addMailbox, openSession, refusalOf, restartWith, startTestInstance, until, type Running } from '@airlock/testkit';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, renameSync, statfsSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

let running: Running;
let dir = '';
t.before(async () => {
  running = await startTestInstance();
  await addMailbox(running);
  dir = join(running.env['AIRLOCK_STATE_DIR'] ?? '', 'gateway/audit');
});
t.teardown(async () => {
  spawnSync('umount', ['-l', dir]);
  await running.stop();
});

const ctl = (...args: string[]) => running.command('airlock-ctl', args);

t.test('`audit reopen` says what to do where nothing of the system is ours', async (t) => {
  t.match(await ctl('audit', 'reopen'), { status: 5, stderr: /hint: stop the launcher and start it again/ });
});

t.test('full, then with room again', async (t) => {
  const isRoot = process.getuid?.() === 0;
  const mounted = { is: false };
  await restartWith(running, 'airlock-gateway', () => {
    const kept = `${dir}.kept`;
    renameSync(dir, kept);
    mkdirSync(dir, { mode: 0o700 });
    mounted.is = isRoot && spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=0700', 'tmpfs', dir]).status === 0;
    cpSync(kept, dir, { recursive: true });
  });
  // Where nothing can be mounted the same failures are injected: packages/audit/test/faults.test.ts.
  if (!mounted.is) return void t.equal((await ctl('audit', 'verify')).status, 0);
  t.match((await ctl('status', '--json')).json, { gateway: { up: true, sealed: null } });
  const agent = await openSession(running);
  t.equal(await refusalOf(agent.call('access.request', { scopes: ['mail:read'], reason: 'x' })), 'AUDIT_UNAVAILABLE');
  t.match((await ctl('doctor', '--json')).stdout, /MiB free/, 'below 64 MiB agents are refused, and doctor says it');

  const { bavail, bsize } = statfsSync(dir);
  writeFileSync(join(dir, 'filler'), Buffer.alloc(bavail * bsize));
  await until('it seals', async () => {
    await ctl('audit', 'verify');
    await ctl('lock');
    const link = await openSession(running).catch(() => null);
    link?.close();
    return (await ctl('status')).stdout.includes('sealed: the audit log cannot be written');
  });
  t.match((await ctl('status')).stdout, /gateway {7}sealed: .*no space left\n +.*sudo airlock-ctl audit reopen/);
  t.match((await ctl('doctor')).stdout, /airlock-gateway .*sealed: .*no space left/);
  t.equal((await ctl('audit', 'verify')).status, 0, 'what was written is whole');
  t.match((await ctl('audit', '--event', 'sealed', '--json')).json, [{ event: 'sealed', reason: 'no space' }]);

  await restartWith(running, 'airlock-gateway', () => undefined);
  t.match((await ctl('status')).stdout, /sealed: the audit log cannot be written/, 'a restart alone does not help');
  await restartWith(running, 'airlock-gateway', () => unlinkSync(join(dir, 'filler')));
  t.match((await ctl('status', '--json')).json, { gateway: { up: true, sealed: null } }, 'with room and a restart it is open');
  t.equal((await ctl('audit', 'verify')).status, 0);
  agent.close();
});
