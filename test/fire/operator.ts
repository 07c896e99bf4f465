/** An operator who approves what is in front over the socket, without the time a command takes to start. */
import { connectSocket } from '@airlock/ipc';
import type { ApproveResult, PendingResult } from '@airlock/protocol';
import type { Running } from '@airlock/testkit';

const TIMEOUT_MS = 5000;

export type Ask = <R>(method: string, params?: object) => Promise<R>;

/** One connection to airlock-totp, as airlock-ctl makes it. */
export const withTotp = async <T>(running: Running, use: (ask: Ask) => Promise<T>): Promise<T> => {
  const link = await connectSocket(running.sockets['approve/default'] ?? '');
  try {
    return await use(async (method, params = {}) => (await link.call(method, params, { timeoutMs: TIMEOUT_MS })) as never);
  } finally {
    link.close();
  }
};

/** Approves the front where it has this match number. @returns whether it was; false where a process went away meanwhile */
export const approve = (running: Running, match: string): Promise<boolean> =>
  withTotp(running, async (ask) => {
    const { front } = await ask<PendingResult>('pending');
    if (front?.match !== match) return false;
    await ask<ApproveResult>('request.approve', { request: front.id, digest: front.digest, code: running.freshCode(), match });
    return true;
  }).catch(() => false);
