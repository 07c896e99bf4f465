/** Waiting for an operation that needs an approval of its own, up to its outcome. */
import { type AirlockError, type CallResult } from '@airlock/protocol';
import { MAX_WAIT_S, accessWait } from './calls/access-wait.js';
import { callResult } from './calls/call-result.js';
import type { Caller } from './calls/caller.js';
import { orAborted, pause, type DecisionOptions } from './decision.js';
import { isAirlockError } from './errors.js';

/** Between two looks where the gateway names no time. */
const POLL_MS = 1000;

/** The request that has to be decided first; null where the error is another one. */
export const pendingOperation = (thrown: unknown): string | null =>
  isAirlockError(thrown, 'APPROVAL_PENDING') ? ((thrown as AirlockError).data.request ?? null) : null;

/**
 * Long polls until the operation of the request was decided and is over. It runs once however often this is called.
 * @throws AirlockError APPROVAL_DENIED, APPROVAL_EXPIRED, OUTCOME_UNKNOWN, what the operation says; the signal's reason
 */
export const awaitOutcome = async (caller: Caller, request: string, options: DecisionOptions): Promise<CallResult> => {
  for (;;) {
    await orAborted(accessWait(caller, request, MAX_WAIT_S), options.signal);
    try {
      return await callResult(caller, request);
    } catch (thrown) {
      if (pendingOperation(thrown) === null) throw thrown;
      await pause((thrown as AirlockError).data.retryAfterMs ?? POLL_MS, options);
    }
  }
};
