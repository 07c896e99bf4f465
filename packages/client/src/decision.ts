/** Waiting for the human: long polls until the request is decided. */
import { AirlockError, type AccessRequestResult, type AccessWaitResult, type Timers } from '@airlock/protocol';
import { accessRelease } from './calls/access-release.js';
import { MAX_WAIT_S, accessWait } from './calls/access-wait.js';
import type { Caller } from './calls/caller.js';

export interface Decision {
  readonly lease: string;
  readonly expiresAt: string;
}

export interface DecisionOptions {
  readonly timers: Timers;
  readonly signal?: AbortSignal | undefined;
}

/** Rejects when the signal aborts, with its reason. `stop` ends the watching. */
const aborted = (signal: AbortSignal): { readonly promise: Promise<never>; stop(): void } => {
  let onAbort = (): void => undefined;
  const promise = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  return { promise, stop: () => signal.removeEventListener('abort', onAbort) };
};

/** The work, or the signal's reason where it aborts first. */
export const orAborted = async <T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> => {
  if (signal === undefined) return work;
  signal.throwIfAborted();
  const watch = aborted(signal);
  try {
    return await Promise.race([work, watch.promise]);
  } finally {
    watch.stop();
  }
};

/** @throws the signal's reason where it aborts */
export const pause = async (ms: number, { timers, signal }: DecisionOptions): Promise<void> => {
  let wake = (): void => undefined;
  const rest = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const timer = timers.after(ms, wake);
  try {
    await orAborted(rest, signal);
  } finally {
    timer.cancel();
  }
};

/** An abandoned poll may still be handed the lease; nobody would use it, so it is given back. */
const giveBack = (caller: Caller, waiting: Promise<AccessWaitResult>): void => {
  waiting.then(({ lease }) => (lease === undefined ? undefined : accessRelease(caller, lease))).catch(() => undefined);
};

const poll = async (caller: Caller, request: string, signal: AbortSignal | undefined): Promise<AccessWaitResult> => {
  const waiting = accessWait(caller, request, MAX_WAIT_S);
  try {
    return await orAborted(waiting, signal);
  } catch (thrown) {
    giveBack(caller, waiting);
    throw thrown;
  }
};

/**
 * What the answer of `access.wait` means for the one who asked.
 * @returns the lease, or null while undecided.
 * @throws AirlockError APPROVAL_DENIED, APPROVAL_EXPIRED; LEASE_INVALID where the lease was handed out before.
 */
export const decisionOf = (request: string, answer: AccessWaitResult): Decision | null => {
  const { status, lease, expiresAt, reason } = answer;
  if (status === 'pending') return null;
  if (status === 'denied') {
    const why = reason === undefined ? '' : `: ${reason}`;
    throw new AirlockError('APPROVAL_DENIED', `the operator denied request ${request}${why}`, { request });
  }
  if (status === 'expired') throw new AirlockError('APPROVAL_EXPIRED', `nobody decided request ${request} in time`, { request });
  if (lease === undefined || expiresAt === undefined) {
    throw new AirlockError('LEASE_INVALID', `the lease of request ${request} was handed out already`, { request });
  }
  return { lease, expiresAt };
};

/**
 * Polls until the request is decided. A gateway that answers sooner than asked is given `pollIntervalS` between polls.
 * @throws AirlockError as decisionOf; the signal's reason where it aborts (the request itself stays open until it expires).
 */
export const awaitDecision = async (
  caller: Caller,
  { request, pollIntervalS }: Pick<AccessRequestResult, 'request' | 'pollIntervalS'>,
  options: DecisionOptions,
): Promise<Decision> => {
  for (;;) {
    const startedMs = options.timers.nowMs();
    const decision = decisionOf(request, await poll(caller, request, options.signal));
    if (decision !== null) return decision;
    const restMs = pollIntervalS * 1000 - (options.timers.nowMs() - startedMs);
    if (restMs > 0) await pause(restMs, options);
  }
};
