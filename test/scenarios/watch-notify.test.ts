// watch --notify with a stand-in for notify-send: who is told, what replaces it, a restart of airlock-totp, and no notify-send at all.
import { addMailbox, approveFront, checkout, daemonOf, openSession, startTestInstance, type Running } from '@airlock/testkit';
import type { AccessRequestResult } from '@airlock/protocol';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

let running: Running;
let watching: ChildProcess | null = null;
t.before(async () => {
  running = await startTestInstance({ cells: 3 });
  await addMailbox(running);
});
t.teardown(async () => {
  watching?.kill('SIGKILL');
  await running.stop();
});

/** Arguments as they come, one JSON array a line; prints an id as libnotify 0.8 does. */
const STAND_IN = `#!${process.execPath}
const fs = require('node:fs');
const args = process.argv.slice(2);
if (args.includes('--version')) process.exit(0);
fs.appendFileSync(process.env.NOTIFY_LOG, JSON.stringify(args) + '\\n');
console.log(fs.readFileSync(process.env.NOTIFY_LOG, 'utf8').split('\\n').length);
`;

const log = (): string => join(running.dir, 'notify.log');
const sent = (): readonly string[][] =>
  existsSync(log())
    ? readFileSync(log(), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as string[])
    : [];

const until = async (what: string, isDone: () => boolean): Promise<void> => {
  const end = performance.now() + 15_000;
  while (!isDone()) {
    if (performance.now() > end) throw new Error(`${what}: ${JSON.stringify(sent())}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

const start = (path: string): { child: ChildProcess; errors: () => string } => {
  const env = { ...running.env, HOME: running.dir, PATH: path, NOTIFY_LOG: log() };
  const child = spawn(process.execPath, [join(checkout, 'dist/lib/airlock-ctl.cjs'), 'watch', '--notify'], {
    env,
    stdio: 'pipe',
  });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return { child, errors: () => text };
};

t.test('without notify-send it ends with what to install', async (t) => {
  const { child, errors } = start('/nonexistent');
  const status = await new Promise((resolve) => child.on('close', resolve));
  t.equal(status, 5);
  t.match(errors(), /notify-send is not installed\nairlock: hint: sudo apt install libnotify-bin/);
});

t.test('one a request, replaced by its outcome, also across a restart of airlock-totp', async (t) => {
  const bin = join(running.dir, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'notify-send'), STAND_IN, { mode: 0o755 });
  const { child, errors } = start(bin);
  watching = child;
  await until('it watches', () => errors().includes('airlock: notifying'));
  const agent = await openSession(running);
  const ask = (reason: string): Promise<AccessRequestResult> =>
    agent.call('access.request', { scopes: ['mail:read'], reason, ttlS: 600 });
  await ask('$(touch /tmp/x) <b>`id`</b>');
  await until('the request', () => sent().length === 1);
  const [first = []] = sent();
  t.match(first.at(-2), 'Airlock: agents of role default ask for access');
  t.match(first.at(-1), /the agent's words: &quot;\$\(touch \/tmp\/x\) &lt;b&gt;`id`&lt;\/b&gt;&quot;/);
  t.same(
    first.filter((one) => one.startsWith('--action') || one === '-A'),
    [],
  );
  await approveFront(running);
  await until('its outcome', () => sent().length === 2);
  const [, second = []] = sent();
  t.ok(second.includes('--replace-id=2'), 'the id that the first one was given');
  t.match(second.at(-2), /was approved$/);

  process.kill(await daemonOf(running, 'airlock-totp'), 'SIGKILL');
  await until('it connects again', () => errors().split('airlock: notifying').length === 3);
  const { request } = await ask('after the restart');
  await until('the next request', () => sent().length === 3);
  await running.command('airlock-ctl', ['deny', request]);
  await until('its outcome', () => sent().length === 4);
  t.match(sent()[3]?.at(-2), `${request} was denied`);
  agent.close();
  child.kill('SIGTERM');
});
