// airlock-ctl audit --follow: what both daemons write, as it comes, once, and what was before where it is asked for.
import {
  addFixture,
  daemonOf,
  obtainLease,
  openSession,
  startWithFixture,
  until,
  type AgentSession,
  type Running,
} from '@airlock/testkit';
import t, { type Test } from 'tap';
import { spawn } from 'node:child_process';
import { join } from 'node:path';

interface Line {
  readonly seq: number;
  readonly event: string;
  readonly log: string;
}

let running: Running;
let agent: AgentSession;
let lease: string;
t.before(async () => {
  running = await startWithFixture({ cells: 4 });
  await addFixture(running, { port: 9 });
  agent = await openSession(running);
  ({ lease } = await obtainLease(running, agent, ['fixture:read']));
});
t.teardown(async () => {
  agent.close();
  await running.stop();
});

const CTL = join(import.meta.dirname, '../../../dist/lib/airlock-ctl.cjs');

/** The command while it runs: the lines so far, and its end. */
const following = (
  t: Test,
  args: readonly string[],
): { readonly lines: () => readonly Line[]; readonly ended: Promise<number | null> } => {
  const child = spawn(process.execPath, [CTL, 'audit', '--follow', '--json', ...args], {
    env: { ...process.env, ...running.env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  t.teardown(() => child.kill('SIGKILL'));
  const lines = (): readonly Line[] =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line);
  return { lines, ended };
};

const has = (lines: readonly Line[], log: string, event: string): boolean =>
  lines.some((one) => one.log === log && one.event === event);
const isOnce = (lines: readonly Line[]): boolean => new Set(lines.map(({ log, seq }) => `${log} ${seq}`)).size === lines.length;

t.test('the past of both logs, then what is new in both, each record once', async (t) => {
  const { lines } = following(t, ['--last', '1h']);
  await until('the past', () => has(lines(), 'totp', 'lease_issued') && has(lines(), 'gateway', 'access_requested'));
  t.notOk(has(lines(), 'gateway', 'operation_allowed'), 'nothing that has not happened');
  await agent.call('call', { lease, service: 'fixture', operation: 'echo', params: {} }).catch(() => null);
  await until('a record of the gateway', () => has(lines(), 'gateway', 'operation_allowed'));
  await running.command('airlock-ctl', ['revoke', '--all']);
  await until('a record of airlock-totp', () => has(lines(), 'totp', 'lease_revoked'));
  t.ok(isOnce(lines()));
});

t.test('without --last nothing of the past; with --event that alone; it ends when a daemon does', async (t) => {
  const all = following(t, []);
  const chosen = following(t, ['--event', 'locked']);
  await until('both follow', async () => {
    await running.command('airlock-ctl', ['lock']);
    await running.command('airlock-ctl', ['unlock'], { stdin: `${running.freshCode()}\n` });
    return has(chosen.lines(), 'totp', 'locked') && has(all.lines(), 'totp', 'locked');
  });
  t.notOk(has(all.lines(), 'totp', 'lease_issued'));
  t.same(new Set(chosen.lines().map(({ event }) => event)), new Set(['locked']));
  t.ok(isOnce(all.lines()) && isOnce(chosen.lines()));
  process.kill(await daemonOf(running, 'airlock-totp'), 'SIGKILL');
  t.not(await all.ended, 0, 'whoever reads it learns that the record is told no more');
});
