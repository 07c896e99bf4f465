/** How long the programs take to answer, how much memory they hold, and how soon a code becomes mail. */
import { addMailbox, openSession, startTestInstance, type Running } from '@airlock/testkit';
import type { AccessRequestResult, AccessWaitResult } from '@airlock/protocol';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const ROUNDS = 5;

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const round = (value: number): number => Math.round(value);

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};

/** Resident memory less what is shared with other processes of the same program, in MB. */
const memoryMb = (pid: number): number => {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return round(Number(/^RssAnon:\s+(\d+)/m.exec(text)?.[1] ?? 0) / 1024);
};
const residentMb = (pid: number): number =>
  round(Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024);

/** From the operator's Enter to the first message in the agent's hand. */
const approveToMail = async (running: Running): Promise<number> => {
  const agent = await openSession(running);
  const { request, match } = await agent.call<AccessRequestResult>('access.request', { scopes: ['mail:read'], reason: 'bench' });
  const mail = (async () => {
    const { lease = '' } = await agent.call<AccessWaitResult>('access.wait', { request, timeoutS: 50 });
    await agent.call('call', { lease, service: 'mail', operation: 'list_messages', params: { limit: 1 } });
    await agent.call('access.release', { lease });
  })();
  const code = running.freshCode();
  const ms = await timed(async () => {
    await running.command('airlock-ctl', ['approve', code, '--request', request, '--match', match]);
    await mail;
  });
  agent.close();
  return ms;
};

const bareNodeMs = (): number => {
  const start = performance.now();
  spawnSync(process.execPath, ['-e', '0']);
  return performance.now() - start;
};

/** Kills a daemon; the launcher starts it again; counts until it answers. */
const restartMs = async (running: Running, name: 'totp' | 'gateway'): Promise<number> => {
  const pid = Number(
    /\d+/.exec(spawnSync('pgrep', ['-n', '-f', `dev/airlock-${name}.cjs`], { encoding: 'utf8' }).stdout)?.[0] ??
      running.pids[name],
  );
  return timed(async () => {
    process.kill(pid, 'SIGKILL');
    const status = await running.command('airlock-ctl', ['status', '--json']);
    if (status.status !== 0) throw new Error(status.stderr);
  });
};

export const run = async (): Promise<object> => {
  const launch = performance.now();
  const running = await startTestInstance();
  const launchMs = performance.now() - launch;
  await addMailbox(running);
  const first: number[] = [];
  for (let n = 0; n < ROUNDS; n += 1) first.push(await approveToMail(running));
  const status = [];
  for (let n = 0; n < ROUNDS; n += 1) status.push(await timed(() => running.command('airlock-ctl', ['status', '--json'])));
  const memory = {
    totp: residentMb(running.pids.totp),
    gateway: residentMb(running.pids.gateway),
    totpPrivate: memoryMb(running.pids.totp),
    gatewayPrivate: memoryMb(running.pids.gateway),
  };
  const restarts = { totp: round(await restartMs(running, 'totp')), gateway: round(await restartMs(running, 'gateway')) };
  await running.stop();
  return {
    bareNodeMs: round(median(Array.from({ length: ROUNDS }, bareNodeMs))),
    launchAllMs: round(launchMs),
    ctlStatusMs: round(median(status)),
    killToAnswerMs: restarts,
    approveToFirstMailMs: { p50: round(median(first)), reach: 1000 },
    memoryMb: { ...memory, reach: { totp: 60, gateway: 90 } },
  };
};
