/** How long the programs take to answer, how much memory they hold, and how soon a code becomes mail. */
import { connectSocket } from '@airlock/ipc';
import { addMailbox, daemonOf, openSession, startTestInstance, type Running } from '@airlock/testkit';
import type { AccessRequestResult, AccessWaitResult } from '@airlock/protocol';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ageMs, memoryOf } from './processes.js';

const ROUNDS = 5;
const ANSWER_MS = 5000;

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const round = (value: number): number => Math.round(value);

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};

type Memory = ReturnType<typeof memoryOf>;

/** From the operator's Enter to the first message in the agent's hand; memory is looked at while the lease lives. */
const approveToMail = async (running: Running): Promise<{ ms: number; memory: Memory }> => {
  const agent = await openSession(running);
  const { request, match } = await agent.call<AccessRequestResult>('access.request', { scopes: ['mail:read'], reason: 'bench' });
  const mail = (async () => {
    const { lease = '' } = await agent.call<AccessWaitResult>('access.wait', { request, timeoutS: 50 });
    await agent.call('call', { lease, service: 'mail', operation: 'list_messages', params: { limit: 1 } });
    return lease;
  })();
  const code = running.freshCode();
  const ms = await timed(async () => {
    await running.command('airlock-ctl', ['approve', code, '--request', request, '--match', match]);
    await mail;
  });
  const memory = memoryOf(running);
  await agent.call('access.release', { lease: await mail });
  agent.close();
  return { ms, memory };
};

/** A process that ends as soon as it is there: Node itself, or a cell that is given no socket. */
const spawnMs = (args: readonly string[]): number =>
  median(
    Array.from({ length: ROUNDS }, () => {
      const start = performance.now();
      spawnSync(process.execPath, args);
      return performance.now() - start;
    }),
  );

const CELL = fileURLToPath(new URL('../../dist/lib/airlock-cell.cjs', import.meta.url));

/** Kills a daemon; its socket stays, and what is sent there waits for the next process. @returns its age at its first answer */
const readyMs = async (running: Running, name: 'totp' | 'gateway'): Promise<number> => {
  const program = `airlock-${name}` as const;
  process.kill(await daemonOf(running, program), 'SIGKILL');
  const link = await connectSocket(running.sockets[name === 'totp' ? 'approve/default' : 'operator/default'] ?? '');
  await link.call('status', {}, { timeoutMs: ANSWER_MS });
  const age = ageMs(await daemonOf(running, program));
  link.close();
  return age;
};

const readyOften = async (running: Running, name: 'totp' | 'gateway'): Promise<number> => {
  const ages: number[] = [];
  for (let n = 0; n < ROUNDS; n += 1) ages.push(await readyMs(running, name));
  return round(median(ages));
};

export const run = async (): Promise<object> => {
  const running = await startTestInstance();
  await addMailbox(running);
  const mails = [];
  for (let n = 0; n < ROUNDS; n += 1) mails.push(await approveToMail(running));
  const status = [];
  for (let n = 0; n < ROUNDS; n += 1) status.push(await timed(() => running.command('airlock-ctl', ['status', '--json'])));
  const ready = { totp: await readyOften(running, 'totp'), gateway: await readyOften(running, 'gateway') };
  await running.stop();
  return {
    bareNodeMs: round(spawnMs(['-e', '0'])),
    readyMs: { ...ready, reach: 300 },
    cellLoadMs: { p50: round(spawnMs([CELL])), reach: 150 },
    ctlStatusMs: round(median(status)),
    approveToFirstMailMs: { p50: round(median(mails.map(({ ms }) => ms))), reach: 1000 },
    memoryMb: { ...mails.at(-1)?.memory, reach: { totp: 60, gateway: 90, cell: 70 } },
  };
};
