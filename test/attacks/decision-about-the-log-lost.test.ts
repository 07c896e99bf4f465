// Attack: lose what airlock-gateway keeps of a decision to begin its log anew, or let it fail to be kept. ACCEPT-4, ACCEPT-8, BRIDGE-8.
import { pidsOf, restartWith, startTestInstance, untilServing, type CommandResult, type Running } from '@airlock/testkit';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { ApproveStatus } from '@airlock/protocol';
import { ask, connectTo } from './support/house.js';
import { Disk, stateDir, untilSigned } from './state-files.js';

t.setTimeout(240_000);

/** The disk is full, once, when this step of a decision is written. */
const failsAt = (step: string): string => `
const fs = require('node:fs');
const { openSync, writeSync } = fs;
const open = new Map();
fs.openSync = (path, ...more) => {
  const fd = openSync(path, ...more);
  open.set(fd, String(path));
  return fd;
};
fs.writeSync = (fd, ...more) => {
  const isDue = (open.get(fd) ?? '').includes('audit-anew.json') && String(more[0]).includes('"step":"${step}"');
  if (isDue && !fs.existsSync(__filename + '.failed')) {
    fs.writeFileSync(__filename + '.failed', '');
    throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
  }
  return writeSync(fd, ...more);
};
require('node:module').syncBuiltinESMExports();
`;

const house = async (t: Test, preload = ''): Promise<Running> => {
  const running = await startTestInstance({ cells: 1, preload });
  t.teardown(() => running.stop());
  await untilSigned(running, 'airlock-gateway');
  return running;
};

const withCode = (running: Running, ...args: string[]): Promise<CommandResult> =>
  running.command('airlock-ctl', [...args, '--json'], { stdin: `${running.freshCode()}\n` });
const verify = (running: Running): Promise<CommandResult> => running.command('airlock-ctl', ['audit', 'verify']);
const asides = (running: Running): string[] =>
  readdirSync(stateDir(running, 'airlock-gateway')).filter((name) => name.includes('set-aside'));

const statusOf = async (running: Running): Promise<ApproveStatus> => {
  const link = await connectTo(running, 'approve/default');
  try {
    return await ask<ApproveStatus>(link, 'status');
  } finally {
    link.close();
  }
};

for (const step of ['asked', 'aside'])
  t.test(`ACCEPT-8: the disk is full when the step "${step}" is kept`, async (t) => {
    const running = await house(t, failsAt(step));
    const accepted = await withCode(running, 'audit', 'accept', '--log', 'gateway');
    const { setAside, problem } = accepted.json as { setAside: string; problem: string | null };
    t.ok(existsSync(join(running.dir, 'preload.cjs.failed')), 'negative control: it failed');
    t.match({ status: accepted.status, problem }, { status: 0, problem: null }, 'it is tried again');
    t.same(asides(running), [setAside], 'and is done when it is said to be');
    await untilServing(running);
    await withCode(running, 'unlock');
    await untilSigned(running, 'airlock-gateway');
    await restartWith(running, 'airlock-gateway');
    await untilServing(running);
    await untilSigned(running, 'airlock-gateway');
    t.same(asides(running), [setAside], 'ACCEPT-4: once');
    t.equal((await statusOf(running)).alert, undefined);
    t.match(await verify(running), { status: 0, stdout: new RegExp(`^whole[^]*${setAside}`) });
  });

const LOSSES: Readonly<Record<string, (file: string) => void>> = {
  'nothing, as a negative control': () => undefined,
  'the file is gone': (file) => rmSync(file),
  'the file is damaged': (file) => writeFileSync(file, 'x'),
};

t.test('BRIDGE-8: airlock-totp put back, and what the gateway keeps of its decision lost', async (t) => {
  const running = await house(t);
  t.equal((await withCode(running, 'audit', 'accept', '--log', 'gateway')).status, 0);
  await untilServing(running);
  await untilSigned(running, 'airlock-gateway');
  const disk = new Disk(running, 'airlock-totp');
  await disk.keep();
  for (const [name, lose] of Object.entries(LOSSES)) {
    await withCode(running, 'unlock');
    await untilSigned(running, 'airlock-gateway');
    await restartWith(running, 'airlock-totp', () => {
      disk.restore();
      lose(join(stateDir(running, 'airlock-gateway'), 'audit-anew.json'));
      for (const pid of pidsOf(running, 'airlock-gateway')) process.kill(pid, 'SIGKILL');
    });
    t.match(await statusOf(running), { locked: true, alert: { message: /put back to an older state/ } }, name);
  }
});
