/**
 * Calls that wait for their client in revision 2026-07-28: an upstream of 2025-11-25 asks in the middle of a call, and such a
 * client can only be asked by an answer. The call stays open, and the client's next try goes on with it.
 *
 * RELAY-4 a call is gone on with by whoever sends the same request with a state that nobody could guess; a state of another
 *         request, of one that ended, or of nobody is refused.
 * RELAY-8 questions that a server asks together come one by one, each through processes that may have others to run: the client
 *         is asked when no more came for a while, and not much later than the first.
 */
import { randomBytes } from 'node:crypto';
import { ProtocolError, ProtocolErrorCode, type InputRequests, type Result } from '@modelcontextprotocol/server';
import { AirlockError, type Json, type TimerHandle, type Timers } from '@airlock/protocol';
import { isMembers, type Members } from './calls.js';
import type { Peer } from './peer.js';

const STATE = 'airlock.call.';
const STATE_BYTES = 18;
/** A person may have to read and type. */
const IDLE_MS = 600_000;
const MAX_OPEN = 64;
/** Next to what an answer takes it is nothing; longer than a busy machine keeps one line of a program behind another. */
const QUIET_MS = 250;
/** From the first question on: a server that asks without end cannot put its client off. */
const GATHER_MS = 2000;

interface Ask {
  readonly method: string;
  readonly params: Members;
  readonly resolve: (answer: Json) => void;
  readonly reject: (error: Error) => void;
}

type Start = (conversation: Conversation) => Promise<Result>;

const gone = (): AirlockError => new AirlockError('UNAVAILABLE', 'the client that was asked did not come back');
const refusedState = (): ProtocolError =>
  new ProtocolError(ProtocolErrorCode.InvalidParams, 'Invalid or expired requestState', { reason: 'invalid_request_state' });

/** One call, from the first try of its client to its result. */
export class Conversation {
  /** What was asked for: another request cannot go on with it. */
  readonly request: string;
  readonly #timers: Timers;
  readonly #cancelled = new AbortController();
  readonly #asks = new Map<string, Ask>();
  #count = 0;
  #asked: () => void = () => undefined;
  #quiet: TimerHandle | null = null;
  /** Who is told of progress now; null while nobody waits. */
  peer: Peer | null = null;
  idle: TimerHandle | null = null;

  constructor(request: string, timers: Timers) {
    this.request = request;
    this.#timers = timers;
  }

  get signal(): AbortSignal {
    return this.#cancelled.signal;
  }

  ask(method: string, params: Members): Promise<Json> {
    return new Promise((resolve, reject) => {
      this.#count += 1;
      this.#asks.set(`ask_${this.#count}`, { method, params, resolve, reject });
      this.#asked();
    });
  }

  answer(answers: Members): void {
    for (const [key, answer] of Object.entries(answers)) {
      const ask = this.#asks.get(key);
      if (ask === undefined || !isMembers(answer)) continue;
      this.#asks.delete(key);
      ask.resolve(answer as Json);
    }
  }

  end(why: Error = gone()): void {
    this.idle?.cancel();
    this.stopAsking();
    this.#cancelled.abort(why);
    for (const { reject } of this.#asks.values()) reject(why);
    this.#asks.clear();
  }

  /** RELAY-8. Resolves when the client has to be asked; never where nothing is asked any more. */
  asking(): Promise<InputRequests> {
    let ready: (asked: InputRequests) => void = () => undefined;
    const promise = new Promise<InputRequests>((resolve) => (ready = resolve));
    let untilMs: number | null = null;
    this.#asked = (): void => {
      const nowMs = this.#timers.nowMs();
      untilMs ??= nowMs + GATHER_MS;
      this.#quiet?.cancel();
      const waitMs = Math.max(0, Math.min(QUIET_MS, untilMs - nowMs));
      this.#quiet = this.#timers.after(waitMs, () => ready(this.#questions()));
    };
    if (this.#asks.size > 0) this.#asked();
    return promise;
  }

  /** The client was asked, or need not be any more. */
  stopAsking(): void {
    this.#quiet?.cancel();
    this.#quiet = null;
    this.#asked = (): void => undefined;
  }

  #questions(): InputRequests {
    return Object.fromEntries([...this.#asks].map(([key, { method, params }]) => [key, { method, params }])) as InputRequests;
  }
}

export class Conversations {
  readonly #timers: Timers;
  /** Those that wait for their client, by the state it has to come back with. */
  readonly #open = new Map<string, { readonly conversation: Conversation; readonly result: Promise<Result> }>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  get size(): number {
    return this.#open.size;
  }

  /** The result of a call, or what its client has to answer first. @throws ProtocolError for a state that is none. */
  async take(peer: Peer, request: string, start: Start): Promise<Result> {
    const { requestState } = peer;
    if (requestState?.startsWith(STATE) === true) return this.#goOn(peer, request, requestState);
    const conversation = new Conversation(request, this.#timers);
    conversation.peer = peer;
    return this.#next(peer, conversation, start(conversation));
  }

  async #goOn(peer: Peer, request: string, state: string): Promise<Result> {
    const open = this.#open.get(state);
    if (open === undefined || open.conversation.request !== request) throw refusedState();
    const { conversation, result } = open;
    this.#open.delete(state);
    conversation.idle?.cancel();
    conversation.peer = peer;
    conversation.answer(peer.inputResponses ?? {});
    return this.#next(peer, conversation, result);
  }

  async #next(peer: Peer, conversation: Conversation, result: Promise<Result>): Promise<Result> {
    const leave = (): void => conversation.end();
    peer.signal.addEventListener('abort', leave, { once: true });
    try {
      const asked = await Promise.race([result.then(() => null), conversation.asking()]);
      return asked === null ? await result : this.#park(conversation, result, asked);
    } finally {
      conversation.stopAsking();
      peer.signal.removeEventListener('abort', leave);
    }
  }

  #park(conversation: Conversation, result: Promise<Result>, inputRequests: InputRequests): Result {
    if (this.#open.size >= MAX_OPEN) {
      conversation.end();
      throw new AirlockError('RATE_LIMITED', 'too many calls wait for their client', {
        hint: 'answer or cancel some of them first',
      });
    }
    const state = STATE + randomBytes(STATE_BYTES).toString('base64url');
    // While nobody waits for it, its end is nobody's error.
    result.catch(() => undefined);
    conversation.peer = null;
    this.#open.set(state, { conversation, result });
    conversation.idle = this.#timers.after(IDLE_MS, () => {
      this.#open.delete(state);
      conversation.end();
    });
    return { resultType: 'input_required', inputRequests, requestState: state };
  }
}
