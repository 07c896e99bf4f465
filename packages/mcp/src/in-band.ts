/**
 * Approval within the call itself, at revision 2026-07-28 and for clients that can show a form: the human reads whose match
 * number it is in their own client, approves where they always do, and the call goes on.
 *
 * MCP-11 the form has no fields: an answer is "go on" or not. Whatever a client puts into it is not read, and a code in it is
 *        refused and recorded.
 * MCP-12 a state is good for one round of the same call with the same arguments, and only in this process.
 */
import { createHash, randomBytes } from 'node:crypto';
import { accessWait, callResult, isAirlockError } from '@airlock/client';
import { AirlockError, type CallResult } from '@airlock/protocol';
import { CLIENT_CAPABILITIES_META_KEY, inputRequired, inputResponse } from '@modelcontextprotocol/server';
import type { CallToolResult, InputRequiredResult, ServerContext } from '@modelcontextprotocol/server';
import type { Arguments } from './arguments.js';
import type { Broker } from './broker.js';
import { refuseCodes } from './code-guard.js';
import { callToolResult } from './result.js';
import { grantedResult, inSlices, pause, waitForAccess } from './tools/wait.js';

/** What a call waits for. */
interface Waiting {
  /** `access`: for a lease; else for one operation, whose outcome is the answer. */
  readonly access: boolean;
  readonly request: string;
  /** Told to the human; names the match number. */
  readonly tell: string;
  readonly service?: string;
  readonly operation?: string;
}

/** One call of a tool, as it has to come back. */
export interface CallOf {
  readonly name: string;
  readonly args: Arguments;
}

interface Round {
  readonly waiting: Waiting;
  readonly call: string;
  readonly round: number;
  /** What is answered where the human is not asked on. */
  readonly immediate: CallToolResult;
}

export type Answer = CallToolResult | InputRequiredResult;

const PREFIX = 'airlock-';
const ANSWER = 'human';
/** Clients end a call after ten rounds; some keep one for themselves. */
const MAX_ROUNDS = 8;
/** MCP clients give up after 60 s by default. */
const ROUND_S = 45;
/** Calls that wait at once; the oldest is forgotten, and goes on by airlock_wait. */
const MAX_OPEN = 256;

const open = new WeakMap<Broker, Map<string, Round>>();

const roundsOf = (broker: Broker): Map<string, Round> => {
  const rounds = open.get(broker) ?? new Map<string, Round>();
  open.set(broker, rounds);
  return rounds;
};

/** The digest: arguments may hold a lease, which is kept nowhere. */
const digestOf = ({ name, args }: CallOf): string =>
  createHash('sha256')
    .update(JSON.stringify([name, args]))
    .digest('hex');

const members = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};

/** Whether the client of this request can show a form. Only the newer revision says it with each request. */
const showsForms = ({ mcpReq }: ServerContext): boolean => {
  const { elicitation } = members(members(mcpReq.envelope)[CLIENT_CAPABILITIES_META_KEY]);
  // An empty object is the form alone, as the protocol has it.
  return elicitation !== undefined && ('form' in members(elicitation) || !('url' in members(elicitation)));
};

/** No member: nothing can be typed into it. */
const EMPTY = { type: 'object' as const, properties: {} };

const ask = (broker: Broker, round: Round): InputRequiredResult => {
  const rounds = roundsOf(broker);
  const [oldest] = rounds.keys();
  if (rounds.size >= MAX_OPEN && oldest !== undefined) rounds.delete(oldest);
  const requestState = PREFIX + randomBytes(24).toString('base64url');
  rounds.set(requestState, round);
  if (round.round > 0) return inputRequired({ requestState });
  const message = `${round.waiting.tell} Go on once you have; no code belongs here.`;
  return inputRequired({ inputRequests: { [ANSWER]: inputRequired.elicit({ message, requestedSchema: EMPTY }) }, requestState });
};

/** What a call waits for, by its answer; null: for nothing. */
const waitingOf = ({ name }: CallOf, { structuredContent }: CallToolResult): Waiting | null => {
  const { status, request, tellTheHuman, error, service, operation } = members(structuredContent);
  if (name === 'airlock_request_access' && status === 'pending')
    return { access: true, request: String(request), tell: String(tellTheHuman) };
  const { code, request: parked, message } = members(error);
  if (code !== 'APPROVAL_PENDING' || typeof parked !== 'string' || typeof service !== 'string') return null;
  return { access: false, request: parked, tell: String(message), service, operation: String(operation) };
};

/** The immediate answer, or for a client that can show a form the question to go on. */
export const askInBand = (broker: Broker, context: ServerContext, call: CallOf, immediate: CallToolResult): Answer => {
  const waiting = waitingOf(call, immediate);
  return waiting === null || !showsForms(context)
    ? immediate
    : ask(broker, { waiting, immediate, call: digestOf(call), round: 0 });
};

/** A state of ours among those a client may send back; null: none, or one of an upstream server. */
export const stateOf = ({ mcpReq }: ServerContext): string | null => {
  const state = mcpReq.requestState();
  return typeof state === 'string' && state.startsWith(PREFIX) ? state : null;
};

const spent = (): AirlockError =>
  new AirlockError('PARAMS_INVALID', 'the state is unknown, was used, or belongs to another call', {
    field: 'requestState',
    expected: 'the state of the last answer to this very call',
    hint: 'call airlock_status for what waits, then airlock_wait or airlock_result',
  });

/** Between two looks at an operation that runs, where the gateway names no time. */
const POLL_MS = 1000;

/** The outcome of an approved operation once it is decided and over; null before. */
const outcomeOf = async (broker: Broker, { request }: Waiting, sliceS: number): Promise<CallResult | null> => {
  const { session } = await broker.open();
  const startedMs = broker.timers.nowMs();
  const { status } = await accessWait(session, request, sliceS);
  while (status !== 'pending') {
    try {
      return await callResult(session, request);
    } catch (thrown) {
      if (!isAirlockError(thrown, 'APPROVAL_PENDING')) throw thrown;
      const restMs = sliceS * 1000 - (broker.timers.nowMs() - startedMs);
      if (restMs <= 0) return null;
      await pause(broker, Math.min(restMs, thrown.data.retryAfterMs ?? POLL_MS));
    }
  }
  return null;
};

const settled = async (broker: Broker, waiting: Waiting, context: ServerContext): Promise<CallToolResult | null> => {
  if (waiting.access) {
    const granted = await waitForAccess(broker, waiting.request, ROUND_S, context);
    return granted === null ? null : grantedResult(granted);
  }
  const outcome = await inSlices(broker, ROUND_S, context, (sliceS) => outcomeOf(broker, waiting, sliceS));
  if (outcome === null) return null;
  const { service = '', operation = '' } = waiting;
  return callToolResult({ service, operation, untrusted: true, ...outcome });
};

/** MCP-11. @throws AirlockError CODE_ON_AGENT_SOCKET */
const saysGoOn = ({ mcpReq }: ServerContext, { round }: Round): boolean => {
  const responses = mcpReq.inputResponses ?? {};
  refuseCodes(responses);
  const answer = inputResponse(responses, ANSWER);
  return round > 0 || (answer.kind === 'elicit' && answer.action === 'accept');
};

/** A further round of a call that waits. @throws AirlockError PARAMS_INVALID, APPROVAL_DENIED, APPROVAL_EXPIRED, … */
export const goOn = async (broker: Broker, context: ServerContext, call: CallOf, state: string): Promise<Answer> => {
  const rounds = roundsOf(broker);
  const round = rounds.get(state);
  rounds.delete(state);
  if (round?.call !== digestOf(call)) throw spent();
  if (!saysGoOn(context, round)) return round.immediate;
  const answer = await settled(broker, round.waiting, context);
  if (answer !== null) return answer;
  return round.round + 1 >= MAX_ROUNDS ? round.immediate : ask(broker, { ...round, round: round.round + 1 });
};
