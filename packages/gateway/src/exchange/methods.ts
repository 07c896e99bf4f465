/** `call.reply` and `call.cancel`. EXCHANGE-1, EXCHANGE-3. */
import { callCancelled, type ExchangeReply } from '@airlock/protocol';
import { callHoldsCode, holdsCode } from '../agent/code-guard.js';
import type { House } from '../house.js';
import type { Listener, Session } from '../sessions/sessions.js';

/** Fewest and most that a code of six to eight digits is as a number. */
const [LEAST, MOST] = [100_000, 99_999_999];

/** What a human typed into a form may be a number. Recursion ends with the frame's depth. */
const holdsCodeNumber = (value: unknown): boolean => {
  if (typeof value === 'number') return Number.isInteger(value) && value >= LEAST && value <= MOST;
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsCodeNumber);
};

const isForm = (value: unknown): value is { readonly content: unknown } =>
  typeof value === 'object' && value !== null && 'action' in value && 'content' in value;

/** What was put into a form, looked at closer than CODE-2 does. */
const formHoldsCode = (value: unknown): boolean => isForm(value) && holdsCodeNumber(value.content);

/** EXCHANGE-10 for a `call`, which brings answers to what an earlier one asked (`inputResponses`). */
export const talkHoldsCode = (frame: object): boolean => {
  if (callHoldsCode(frame)) return true;
  const { context } = frame as { readonly context?: { readonly mcp?: { readonly inputResponses?: unknown } } };
  const responses = context?.mcp?.inputResponses;
  return typeof responses === 'object' && responses !== null && Object.values(responses).some(formHoldsCode);
};

/** EXCHANGE-10: CODE-2 for a reply, whose `error.code` is a number of JSON-RPC; what was put into a form is looked at closer. */
export const replyHoldsCode = (frame: object): boolean => {
  const { error, ...rest } = frame as { readonly error?: unknown; readonly result?: unknown };
  if (holdsCode(rest)) return true;
  if (formHoldsCode(rest.result)) return true;
  if (typeof error !== 'object' || error === null) return holdsCode(error);
  const { code, ...others } = error as { readonly code?: unknown };
  return holdsCode(others) || (typeof code !== 'number' && code !== undefined);
};

/** @throws AirlockError NOT_FOUND, what the cell says */
export const callReply = async (
  house: House,
  session: Session,
  listener: Listener,
  reply: ExchangeReply,
): Promise<Record<string, never>> => {
  await house.channels.find(session, listener, reply.channel).reply(reply);
  return {};
};

/** @throws AirlockError NOT_FOUND */
export const callCancel = (
  house: House,
  session: Session,
  listener: Listener,
  { channel }: { readonly channel: string },
): Record<string, never> => {
  house.channels.find(session, listener, channel).abort(callCancelled());
  return {};
};
