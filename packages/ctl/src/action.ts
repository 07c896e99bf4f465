/**
 * One action of the operator, from opening to its ticket: shown in full, approved by a code typed here or by
 * `airlock-ctl approve` elsewhere.
 */
import {
  AirlockError,
  sha256Hex,
  type Action,
  type ActionOpenResult,
  type ActionWaitResult,
  type ApproveResult,
  type PendingResult,
  type ShownRequest,
} from '@airlock/protocol';
import { ask, type Context, type Link } from './context.js';
import { errorLines } from './hints.js';
import { note } from './output.js';

/** Longest poll that approve.action.wait takes. */
const POLL_S = 50;
const POLL_TIMEOUT_MS = (POLL_S + 10) * 1000;

/** The front request; its digest is recomputed from the text that is about to be shown. */
export const shownFront = async (link: Link): Promise<{ front: ShownRequest | null; waiting: PendingResult['waiting'] }> => {
  const { front, waiting } = await ask<PendingResult>(link, 'pending');
  if (front && sha256Hex(front.text) !== front.digest) {
    throw new AirlockError('INTERNAL', 'the text of the request does not have the digest that goes with it', {
      hint: 'do not approve; run: airlock-ctl doctor',
    });
  }
  return { front, waiting };
};

const isCode = (text: string): boolean => /^\d{6,8}$/.test(text);

/** @throws AirlockError PARAMS_INVALID */
export const checkCode = (text: string): string => {
  const code = text.replaceAll(' ', '');
  if (isCode(code)) return code;
  throw new AirlockError('PARAMS_INVALID', 'a code has 6 to 8 digits', {
    field: 'CODE',
    expected: '6 to 8 digits',
    found: `${text.length} characters`,
    hint: 'type the digits your phone shows now',
  });
};

/** The floor rule and a used step hold back less than three steps of the longest period. */
const LONG_WAIT_S = 360;

/** Says how long the floor rule still holds back, so that nobody burns a code for nothing. */
export const noteWait = (context: Context, front: ShownRequest): void => {
  if (front.waitS > LONG_WAIT_S)
    note(
      context,
      `airlock: codes are held back for ${front.waitS} s: this machine's clock was ahead for a while; as root: airlock-ctl lockout clear terminal`,
    );
  else if (front.waitS > 0)
    note(context, `airlock: codes are held back for ${front.waitS} s more; use the code your phone shows then`);
};

export const submit = (link: Link, front: ShownRequest, code: string, match?: string): Promise<ApproveResult> =>
  ask<ApproveResult>(link, 'request.approve', {
    request: front.id,
    digest: front.digest,
    code,
    ...(match === undefined ? {} : { match }),
  });

/** What an approved action gave: a ticket, a grant, or nothing where its effect was at once (unlock). */
export type Given = Pick<ApproveResult, 'ticket' | 'grant'>;

const outcome = (result: ActionWaitResult): Given => {
  if (result.status === 'approved') return result;
  if (result.status === 'denied')
    throw new AirlockError('APPROVAL_DENIED', `the action was denied${result.reason === undefined ? '' : `: ${result.reason}`}`);
  throw new AirlockError('APPROVAL_EXPIRED', 'nobody approved the action in time', {
    hint: 'run the command again and give a code within five minutes',
  });
};

/** Waits for a decision made elsewhere; resolves with null when told to stop. */
const decided = async (link: Link, request: string, signal: AbortSignal): Promise<ActionWaitResult | null> => {
  while (!signal.aborted) {
    const result = await ask<ActionWaitResult>(link, 'action.wait', { request, timeoutS: POLL_S }, POLL_TIMEOUT_MS);
    if (result.status !== 'pending') return result;
  }
  return null;
};

const FRONT_POLL_MS = 500;

/** Right above the code: which request it is for. A long intent has scrolled its own first lines away. */
export const noteSummary = (context: Context, { id, role, summary }: ShownRequest): void =>
  note(context, `airlock: the code is for ${id} (${role}): ${summary}`);

const readCode = async (context: Context, signal: AbortSignal): Promise<string | null> => {
  const typed = await context.terminal.secret('code: ', signal);
  return typed === null || typed.trim() === '' ? null : checkCode(typed.trim());
};

/** A code that came through a pipe was meant for a text that is not on display: it is not sent. */
const refuseUnshown = async (context: Context, signal: AbortSignal): Promise<null> => {
  if ((await readCode(context, signal)) === null) return null;
  throw new AirlockError('APPROVAL_PENDING', 'another request is in front, so no code was sent', {
    hint: 'decide that one first (airlock-ctl pending), then run this again',
  });
};

/** The action once it is in front, shown in full; says what stands before it. Null when told to stop. */
const shownWhenFront = async (
  context: Context,
  link: Link,
  request: string,
  signal: AbortSignal,
): Promise<ShownRequest | null> => {
  let told: string | null = null;
  while (!signal.aborted) {
    const { front } = await shownFront(link);
    if (front?.id === request) {
      note(context, front.text);
      noteWait(context, front);
      return front;
    }
    if (front && front.id !== told) {
      told = front.id;
      note(
        context,
        `airlock: ${front.id} (${front.summary}) is in front; waiting until you decide it elsewhere: airlock-ctl approve, or airlock-ctl deny`,
      );
    }
    if (front && !context.terminal.isTerminal) return refuseUnshown(context, signal);
    await new Promise((resolve) => setTimeout(resolve, FRONT_POLL_MS));
  }
  return null;
};

/** A code that may simply be typed again. */
const isMistyped = (error: unknown): error is AirlockError =>
  error instanceof AirlockError && (error.code === 'CODE_REJECTED' || error.code === 'PARAMS_INVALID');

/**
 * Codes typed here approve the text that was shown here and no other: its digest goes with each. After a rejected one the
 * next is read, for as long as there is input, so that one slip does not cost the action its place.
 */
const approveHere = async (context: Context, link: Link, request: string, signal: AbortSignal): Promise<Given | null> => {
  const shown = await shownWhenFront(context, link, request, signal);
  let rejected: AirlockError | null = null;
  while (shown !== null && !signal.aborted) {
    try {
      noteSummary(context, shown);
      const code = await readCode(context, signal);
      if (code === null) break;
      return await submit(link, shown, code, shown.match);
    } catch (error) {
      if (!isMistyped(error)) throw error;
      rejected = error;
      note(context, errorLines(error));
    }
  }
  if (rejected !== null) throw rejected;
  return null;
};

/**
 * Opens the action, shows it and waits for its approval.
 * @param atEnd thrown where the input ends without a code; without it the action then waits for an approval elsewhere
 * @throws AirlockError APPROVAL_DENIED, APPROVAL_EXPIRED, CODE_REJECTED, CODE_LOCKED_OUT
 */
export const carryOut = async (context: Context, link: Link, action: Action, atEnd?: AirlockError): Promise<Given> => {
  const { request } = await ask<ActionOpenResult>(link, 'action.open', { verb: action.verb, params: action.params });
  const stop = new AbortController();
  const elsewhere = decided(link, request.id, stop.signal);
  elsewhere.catch(() => undefined);
  try {
    const here = approveHere(context, link, request.id, stop.signal);
    const first = await Promise.race([here, elsewhere.then((result) => (result === null ? null : outcome(result)))]);
    if (first !== null) return first;
    if (atEnd) throw atEnd;
    note(context, `airlock: waiting for: airlock-ctl approve CODE --request ${request.id} --match ${request.match}`);
    const result = await elsewhere;
    return result === null ? {} : outcome(result);
  } finally {
    stop.abort();
  }
};

/** As `carryOut`. @returns the one-shot ticket; empty for a verb that takes effect at once (unlock) */
export const approveAction = async (context: Context, link: Link, action: Action, atEnd?: AirlockError): Promise<string> =>
  (await carryOut(context, link, action, atEnd)).ticket ?? '';
