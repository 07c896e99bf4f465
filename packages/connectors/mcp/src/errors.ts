/** What can go wrong with a server, in our own words; a quotation of its own stands in `found` only. */
import { neutraliseText } from '@airlock/guard';
import { AirlockError } from '@airlock/protocol';
import { MCP_LIMITS } from './limits.js';

const MESSAGES: Readonly<Record<string, string>> = {
  not_mcp: 'the server sent something that is no MCP',
  too_large: 'the server sent more at once than is read',
  too_deep: 'the server sent an answer that is nested too deeply',
  bad_key: 'the server sent an answer with a member that nobody may have',
  bad_number: 'the server sent a number that cannot be written',
  cursor_loop: 'the server lists its tools in a circle',
  too_many_tools: 'the server lists more tools than can be offered',
  flood: 'the server sent far more than it was asked for',
  bad_credentials: 'the server refused the credential, or wants one',
  input_required: 'the server wants to ask the user, and nobody can be asked in this call',
  revision: 'the server speaks none of the revisions 2025-11-25 and 2026-07-28',
};

const HINTS: Readonly<Record<string, string>> = {
  too_large: 'ask for less at a time',
  input_required: 'call the tool from an MCP client that supports elicitation or sampling',
  bad_credentials: 'the operator can give a new one: airlock-ctl credentials add SERVICE',
};

export const refused = (found: string): AirlockError => {
  const hint = HINTS[found];
  return new AirlockError('UPSTREAM_REFUSED', MESSAGES[found] ?? 'the server refused the request', {
    found,
    ...(hint === undefined ? {} : { hint }),
  });
};

/** UPSTREAM-7, UPSTREAM-10: the message is the server's and stands as a quotation. */
export const rpcError = (code: number, message: string, required: readonly string[] = []): AirlockError =>
  new AirlockError('UPSTREAM_REFUSED', 'the server answered with an error', {
    found: `rpc ${code}: ${neutraliseText(message.slice(0, MCP_LIMITS.maxQuotedChars).toWellFormed())}`,
    ...(required.length === 0 ? {} : { expected: required.join(', ') }),
  });

export const silent = (): AirlockError =>
  new AirlockError('UPSTREAM_TIMEOUT', 'the server did not answer in time', { found: 'silence' });

export const ended = (found: string): AirlockError =>
  new AirlockError('UNAVAILABLE', 'the program of the server ended', {
    found,
    hint: 'it is started again at the next call; the operator sees what it wrote last: airlock-ctl service stderr SERVICE',
  });

export const heldBack = (retryAfterMs: number): AirlockError =>
  new AirlockError('UNAVAILABLE', 'the program of the server ended and is started again a little later', {
    found: 'held_back',
    retryAfterMs,
  });

export const outcomeUnknown = (): AirlockError =>
  new AirlockError('OUTCOME_UNKNOWN', 'the tool was called, and no answer that could be read came back');

export const closed = (): AirlockError =>
  new AirlockError('UNAVAILABLE', 'the session with the server was closed', { found: 'closed' });

/** A request that may have arrived and was not answered. */
export class Unanswered extends Error {
  readonly why: AirlockError;

  constructor(why: AirlockError) {
    super('unanswered');
    this.why = why;
  }
}

/** The server forgot the session; nothing was carried out. */
export class SessionLost extends Error {}

const isAirlockError = (thrown: unknown): thrown is AirlockError => thrown instanceof Error && thrown.name === 'AirlockError';

/** Why a signal ended. */
export const abortReason = (signal: AbortSignal): AirlockError => (isAirlockError(signal.reason) ? signal.reason : silent());

export const asError = (thrown: unknown): AirlockError => {
  if (thrown instanceof Unanswered) return thrown.why;
  if (isAirlockError(thrown)) return thrown;
  return new AirlockError('UNAVAILABLE', 'the server cannot be spoken with', { found: 'other' });
};
