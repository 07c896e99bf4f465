// Attack: root, or a disk restored in part, puts an older copy of the whole state of airlock-totp back: its log, heads and leases
// fit each other, and what was revoked since lives again. The heads in the gateway's log do not forget. AUDIT-30.
import { connectSocket } from '@airlock/ipc';
import {
  addMailbox,
  daemonOf,
  obtainLease,
  openSession,
  restartWith,
  startTestInstance,
  until,
  untilServing,
  type CommandResult,
  type Running,
} from '@airlock/testkit';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Disk, untilSigned, type Daemon } from './state-files.js';

const BOTH: readonly Daemon[] = ['airlock-totp', 'airlock-gateway'];
const TOLD = /a head of \d+ signed by airlock-totp, which airlock-totp's log does not know/;

let running: Running;
let disk: Disk;
t.setTimeout(300_000);
t.before(async () => {
  running = await startTestInstance();
  await addMailbox(running);
  disk = new Disk(running, 'airlock-totp');
});
t.teardown(() => running.stop());

const verify = (...args: string[]): Promise<CommandResult> => running.command('airlock-ctl', ['audit', 'verify', ...args]);
const signed = async (): Promise<void> => {
  for (const daemon of BOTH) await untilSigned(running, daemon);
};
const leases = async (): Promise<readonly unknown[]> => {
  const link = await connectSocket(running.sockets['approve/default'] ?? '');
  const answer = (await link.call('leases', {})) as { leases: readonly unknown[] };
  link.close();
  return answer.leases;
};
/** One after the other, as AUDIT-31 asks for: the gateway's last. */
const copiedLogs = async (name: string): Promise<string> => {
  const to = join(running.dir, name);
  for (const log of ['totp', 'gateway'])
    cpSync(join(running.env['AIRLOCK_STATE_DIR'] ?? '', log, 'audit'), join(to, log), { recursive: true });
  await running.command('airlock-ctl', ['config', 'keys']);
  return to;
};

t.test(
  'negative control: restarts, kills and copies of an honest record are told nothing of',
  { timeout: 240_000 },
  async (t) => {
    const agent = await openSession(running);
    await obtainLease(running, agent, ['mail:read']);
    agent.close();
    for (const daemon of BOTH) await restartWith(running, daemon);
    for (const daemon of BOTH) process.kill(await daemonOf(running, daemon), 'SIGKILL');
    await untilServing(running);
    t.match(await verify(), { status: 0, stdout: /^whole/ }, 'at once, while heads are on their way');
    await signed();
    t.match(await verify(), { status: 0, stdout: /^whole/ });
    t.notMatch((await verify('--dir', await copiedLogs('honest'))).stdout, /DAMAGED/);
    await disk.keep();
    await disk.startOn(() => undefined);
    await signed();
    t.match(await verify(), { status: 0, stdout: /^whole/ }, 'the newest state put back is no older one');
  },
);

t.test('an older state put back is named, and goes on being named', { timeout: 240_000 }, async (t) => {
  const agent = await openSession(running);
  await obtainLease(running, agent, ['mail:read']);
  await signed();
  await disk.keep();
  await signed();
  t.equal((await leases()).length > 0, true);
  t.equal((await running.command('airlock-ctl', ['revoke', '--all'])).status, 0);
  await until('the lease is gone', async () => (await leases()).length === 0);
  agent.close();
  await signed();
  t.equal((await verify()).status, 0, 'negative control');
  await disk.startOn(() => undefined);
  const found = await verify();
  t.match(found, { status: 7, stdout: TOLD, stderr: /airlock-ctl revoke --all/ });
  t.match(found.stdout, /DAMAGED: totp log/);
  for (const daemon of BOTH) await restartWith(running, daemon);
  t.match(await verify(), { status: 7, stdout: TOLD }, 'a restart forgets nothing');
  t.match((await verify('--json')).json, { ok: false, firstBad: { log: 'totp', problem: TOLD } });
  t.match((await verify('--dir', await copiedLogs('put-back'))).stdout, TOLD, 'copies tell it once a later head is recorded');

  // Codes of the steps that the older state reached do not count any more (BRIDGE-8).
  running.clock.advance(90_000);
  const typed = (): { stdin: string } => ({ stdin: `${running.freshCode()}\n` });
  const accepted = await running.command('airlock-ctl', ['audit', 'accept', '--log', 'gateway'], typed());
  t.equal(accepted.status, 0, accepted.stdout + accepted.stderr);
  await running.command('airlock-ctl', ['unlock'], typed());
  await signed();
  t.match(await verify(), { status: 0, stdout: /^whole[^]*log of airlock-gateway: begun anew/ }, 'until root accepts it');
});
