// Attack: change what airlock-totp keeps, so that the gateway's log begins anew though nobody gave a code, and have it called accepted.
import {
  startTestInstance,
  addMailbox,
  restartWith,
  until,
  untilServing,
  type CommandResult,
  type Running,
} from '@airlock/testkit';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { stateDir, untilSigned, type Daemon } from './state-files.js';

let running: Running;
t.setTimeout(240_000);
t.before(async () => {
  running = await startTestInstance();
  await addMailbox(running);
  t.equal((await running.command('airlock-ctl', ['config', 'keys'])).status, 0);
});
t.teardown(() => running.stop());

const DAEMONS: readonly Daemon[] = ['airlock-gateway', 'airlock-totp'];
const ID = '0'.repeat(18);
const verify = (...args: readonly string[]): Promise<CommandResult> =>
  running.command('airlock-ctl', ['audit', 'verify', ...args]);
const signed = async (): Promise<void> => {
  for (const daemon of DAEMONS) await untilSigned(running, daemon);
};
const firstLine = (): string => {
  const dir = join(stateDir(running, 'airlock-gateway'), 'audit');
  const [name] = readdirSync(dir).filter((one) => one.endsWith('.jsonl'));
  return name === undefined ? '' : (readFileSync(join(dir, name), 'utf8').split('\n')[0] ?? '');
};

/** Copies of both logs, or of one, with the heads. */
const copied = (name: string, ...logs: readonly string[]): string[] => {
  const to = join(running.dir, name);
  mkdirSync(to);
  for (const log of logs) cpSync(join(running.env['AIRLOCK_STATE_DIR'] ?? '', log, 'audit'), join(to, log), { recursive: true });
  const heads = join(to, 'heads');
  cpSync(join(stateDir(running, 'airlock-totp'), 'heads'), heads);
  return ['--dir', to, '--head', heads];
};

t.test('ACCEPT-7: a decision that airlock-totp never recorded is no code', async (t) => {
  await signed();
  t.match(await verify(), { status: 0, stdout: /^whole/ }, 'negative control');
  const heads = join(stateDir(running, 'airlock-totp'), 'heads');
  await restartWith(running, 'airlock-totp', () => {
    const givenUp = { 'airlock-gateway': { id: ID, size: 0, hash: '0'.repeat(64) } };
    const notes = JSON.parse(readFileSync(heads, 'utf8')) as object;
    writeFileSync(heads, JSON.stringify({ ...notes, 'airlock-gateway': null, givenUp }));
  });
  await until('the gateway begins anew', () => Promise.resolve(firstLine().includes(`"event":"log_begun","accepted":"${ID}"`)));
  await untilServing(running);
  await signed();
  const told = new RegExp(
    `^DAMAGED: gateway log: record 1 says that the log of airlock-gateway was begun anew \\(audit\\.set-aside-${ID}\\), and no code`,
  );
  const found = await verify();
  t.match(found, { status: 7, stdout: told, stderr: /audit accept --log gateway/ });
  t.notMatch(found.stdout, /begun anew with a code/);
  t.match((await verify('--json')).json, { ok: false, status: 'damaged', begunAnew: [{ isRecorded: false }] });
  const both = copied('both', 'gateway', 'totp');
  t.match(await verify(...both), { status: 7, stdout: told }, 'in copies, too');
  const alone = await verify(...copied('alone', 'gateway'));
  t.match(alone, { status: 0, stdout: /begun anew at \S+, as the gateway's log says; whether with a code is not known/ });
});

t.test('it is told until the log is begun anew with a code', async (t) => {
  const accepted = await running.command('airlock-ctl', ['audit', 'accept', '--log', 'gateway'], {
    stdin: `${running.freshCode()}\n`,
  });
  t.equal(accepted.status, 0, accepted.stdout + accepted.stderr);
  await untilServing(running);
  await signed();
  const found = await verify();
  t.match(found, { status: 0, stdout: /^whole[^]*log of airlock-gateway: begun anew with a code at / });
  t.notMatch(found.stdout, ID);
});
