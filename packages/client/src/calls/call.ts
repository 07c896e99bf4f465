/** `call`: one operation under a lease. */
import { LIMITS, type CallParams, type CallResult } from '@airlock/protocol';
import { readAnswer } from '../answer.js';
import type { Caller } from './caller.js';
import { servicesList } from './services-list.js';

/** Only what changes and costs nothing may happen twice. */
const isRead = async (caller: Caller, { service, operation }: CallParams): Promise<boolean> => {
  const services = await servicesList(caller);
  const operations = services.find((candidate) => candidate.service === service)?.operations;
  return operations?.find(({ name }) => name === operation)?.class === 'read';
};

export interface CallHints {
  readonly timeoutMs?: number | undefined;
  /** The lease allows nothing but reading, so nobody needs to be asked what the operation is. */
  readonly isRead?: boolean | undefined;
  /** Asked first where the connection ended under the call: false where it is not to be sent again. */
  readonly mayRepeat?: (() => boolean) | undefined;
}

/**
 * @param caller where it is a session, a read that was in flight when the gateway restarted is sent once more.
 * @throws AirlockError with the gateway's code; OUTCOME_UNKNOWN where the connection ended under what is no read.
 */
export const call = async (caller: Caller, params: CallParams, hints: CallHints = {}): Promise<CallResult> => {
  const { timeoutMs = LIMITS.callTimeoutMs } = hints;
  const { mayRepeat = () => true } = hints;
  const isReading = (): Promise<boolean> => (hints.isRead === true ? Promise.resolve(true) : isRead(caller, params));
  const options = { timeoutMs, mayRepeat: async () => mayRepeat() && (await isReading()) };
  return readAnswer('call', await caller.call('call', params, options), { result: 'any', meta: 'object' });
};
