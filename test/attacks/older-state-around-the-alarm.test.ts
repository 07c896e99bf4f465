// Attack: an older state of airlock-totp is put back so that its alarm does not go off: without the keys that sign heads, while
// the gateway's log cannot be used, from before a phone was replaced. HEADS-5, HEADS-8, BRIDGE-8.
import type { ApproveStatus, EnrolBeginResult } from '@airlock/protocol';
import { codeAt, daemonOf, startTestInstance, until, untilServing, type Running } from '@airlock/testkit';
import { chmodSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Disk, stateDir, untilSigned } from './state-files.js';
import { ask, codeNow, connectTo, errorOf, frontOf, submissionFor } from './support/house.js';

const KEYS = ['heads', 'head-key.totp', 'head-key.gateway', 'head-key.export'];
const STEP_MS = 30_000;

let running: Running;
let disk: Disk;
let recoveryCodes: readonly string[] = [];
t.setTimeout(240_000);
t.before(async () => {
  running = await startTestInstance({ enrolled: false, cells: 1 });
  ({ recoveryCodes } = await enrol(running.secret, { secret: running.secret }));
  disk = new Disk(running, 'airlock-totp');
});
t.teardown(() => running.stop());

/** A phone enrolled over root.sock. */
const enrol = async (secret: string, how: object): Promise<EnrolBeginResult> => {
  const root = await connectTo(running, 'root');
  const begun = await ask<EnrolBeginResult>(root, 'enrol.begin', { operator: 'default', ...how });
  for (let n = 0; n < 2; n += 1) {
    running.clock.advance(STEP_MS);
    const code = codeAt(secret === '' ? begun.secret : secret, running.clock.wallMs());
    await ask(root, 'enrol.code', { operator: 'default', code });
  }
  root.close();
  return begun;
};

const status = async (): Promise<ApproveStatus> => {
  const link = await connectTo(running, 'approve/default');
  const found = await ask<ApproveStatus>(link, 'status');
  link.close();
  return found;
};

/** What becomes of a code that is offered for a new phone. */
const outcomeOf = async (code: string): Promise<string> => {
  const link = await connectTo(running, 'approve/default');
  try {
    await ask(link, 'action.open', { verb: 'totp.reset', params: {} });
    const params = submissionFor(await frontOf(link), code);
    return await ask(link, 'request.approve', params).then(
      () => 'accepted',
      (thrown: unknown) => (thrown as { code: string }).code,
    );
  } finally {
    link.close();
  }
};

const ctl = async (...args: string[]): Promise<void> => {
  const result = await running.command('airlock-ctl', args, { stdin: `${running.freshCode()}\n` });
  if (result.status !== 0) throw new Error(`${args.join(' ')}: ${result.stderr}`);
};

/** What the gateway was told is what it holds: a head that was signed and not heard of is lost with a kill. */
const untilHeld = async (): Promise<void> => {
  await untilSigned(running, 'airlock-gateway');
  const dir = join(stateDir(running, 'airlock-gateway'), 'audit');
  await until('the head in the log of the gateway', () => {
    const [segment = ''] = readdirSync(dir)
      .filter((file) => file.endsWith('.jsonl'))
      .sort()
      .slice(-1);
    const last = readFileSync(join(dir, segment), 'utf8').trimEnd().split('\n').at(-1) ?? '';
    return last.includes('"event":"checkpoint"');
  });
};

/** A state in which nothing is locked is kept; since then a code was used and everybody is locked. @returns that code */
const useCodeAndLock = async (): Promise<string> => {
  await untilSigned(running, 'airlock-gateway');
  await disk.keep();
  await ctl('lock');
  await ctl('unlock');
  const code = codeNow(running);
  await ctl('lock');
  await untilHeld();
  return code;
};

/** The record as it is now is begun anew by root, and everybody unlocked. */
const settle = async (): Promise<void> => {
  running.clock.advance(4 * STEP_MS);
  await ctl('audit', 'accept', '--log', 'gateway');
  await untilServing(running);
  await ctl('unlock');
};

t.test('a phone that was replaced stays replaced: the state from before is seen, and no recovery code counts', async (t) => {
  const [recoveryCode = ''] = recoveryCodes;
  await untilSigned(running, 'airlock-gateway');
  await disk.keep();
  await untilSigned(running, 'airlock-gateway');
  const begun = await enrol('', { recoveryCode });
  t.ok(begun.secret, 'negative control: the code counts once');
  await untilHeld();
  await disk.startOn(() => undefined);
  await until('the alarm', async () => (await status()).locked);
  for (const one of recoveryCodes.slice(0, 2)) {
    const root = await connectTo(running, 'root');
    t.equal((await errorOf(ask(root, 'enrol.begin', { operator: 'default', recoveryCode: one }))).code, 'CODE_REJECTED');
    root.close();
  }
  await settle();
});

t.test('without its keys it starts sealed: nobody is served by what it has forgotten', async (t) => {
  await useCodeAndLock();
  const { sealed } = await disk.startOn(() => {
    for (const file of KEYS) rmSync(join(disk.base, file));
  });
  t.match(sealed, { code: 'VAULT_UNREADABLE', message: /head-key\.\w+: is missing, though somebody is enrolled/ });
  await disk.startOn(() => undefined);
  await until('the alarm', async () => (await status()).locked);
  t.match(await status(), { sealed: null, alert: { message: /put back to an older state/ } }, 'negative control: with its keys');
  await settle();
});

t.test('while the log of the gateway cannot be used, the head that it holds is told all the same', async (t) => {
  const code = await useCodeAndLock();
  const log = join(stateDir(running, 'airlock-gateway'), 'audit');
  chmodSync(log, 0o777);
  process.kill(await daemonOf(running, 'airlock-gateway'), 'SIGKILL');
  await disk.startOn(() => undefined);
  await until('the alarm', async () => (await status()).alert !== undefined);
  t.match(await status(), { locked: true });
  t.equal(await outcomeOf(code), 'CODE_REJECTED', 'a code that was used');
  chmodSync(log, 0o700);
  process.kill(await daemonOf(running, 'airlock-gateway'), 'SIGKILL');
  await untilServing(running);
  await settle();
});
