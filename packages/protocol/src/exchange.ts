/**
 * What goes to and fro while a call runs: events of the service, questions it asks, replies, and the end somebody wishes for
 * (docs/spec/exchange.md).
 */
import type { Json } from './canonical.js';
import { AirlockError } from './errors.js';

/** What a service may say unasked, during a call; everything else is dropped. */
export const NOTICES = [
  'notifications/progress',
  'notifications/message',
  'notifications/resources/updated',
  'notifications/resources/list_changed',
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/elicitation/complete',
] as const;
/** What a service may ask of whoever called it. */
export const QUESTIONS = ['sampling/createMessage', 'elicitation/create', 'roots/list'] as const;

/** What the caller's MCP client said with its call; the cell's connector gets it as it stands. */
export interface ExchangeMcp {
  readonly revision: '2025-11-25' | '2026-07-28';
  /** Of the client. */
  readonly capabilities?: Readonly<Record<string, Json>>;
  /** `_meta` of the request, without its progress token. */
  readonly meta?: Readonly<Record<string, Json>>;
  /** The client wants progress. */
  readonly progress?: boolean;
  readonly inputResponses?: Readonly<Record<string, Json>>;
  readonly requestState?: string;
}

/** The member `exchange` of a cell's `execute`. Without `mcp` the call can be cancelled, and nothing else. */
export interface ExchangeOrder {
  readonly channel: string;
  readonly mcp?: ExchangeMcp;
}

/** One thing a service says, or asks. */
export type ExchangeEvent =
  | { readonly notify: { readonly method: string; readonly params: Json } }
  | { readonly ask: string; readonly method: string; readonly params: Json };

/** Why a question has no result: an error of JSON-RPC. */
export interface ExchangeError {
  readonly code: number;
  readonly message: string;
  readonly data?: Json;
}

/** The answer to a question: `result` or `error`. */
export interface ExchangeReply {
  readonly channel: string;
  readonly ask: string;
  readonly result?: Json;
  readonly error?: ExchangeError;
}

/** What a call ends with that somebody cancelled, where nothing was written. */
export const callCancelled = (): AirlockError =>
  new AirlockError('UNAVAILABLE', 'the call was cancelled', {
    retry: 'never',
    hint: 'whoever made the call cancelled it; call again only where the answer is wanted after all',
  });

/** How much of it is let through (EXCHANGE-6). */
export const EXCHANGE_LIMITS = {
  /** JSON of one event: a screenshot to be looked at does not belong in one. */
  maxEventBytes: 256 * 1024,
  maxEventsPerCall: 10_000,
  maxEventsPerSecond: 200,
  /** All events of one call together: less than an agent's socket may hold for all its connections. */
  maxEventBytesPerCall: 32 * 1024 * 1024,
  /** Questions of one call that wait for their reply. */
  maxOpenAsks: 8,
  /** Outside a call: what changed, not a stream. */
  maxServiceEventsPerSecond: 20,
  /** Levels of the parameters of one event; the frame around them needs some of the 32 there may be. */
  maxEventDepth: 20,
} as const;

/** What an `EventMeter` holds to. */
export interface EventLimits {
  readonly perSecond: number;
  readonly events: number;
  readonly bytes: number;
}

/** Of one call. */
export const CALL_EVENTS: EventLimits = {
  perSecond: EXCHANGE_LIMITS.maxEventsPerSecond,
  events: EXCHANGE_LIMITS.maxEventsPerCall,
  bytes: EXCHANGE_LIMITS.maxEventBytesPerCall,
};
/** Of one service outside calls, for as long as its cell lives. */
export const SERVICE_EVENTS: EventLimits = {
  perSecond: EXCHANGE_LIMITS.maxServiceEventsPerSecond,
  events: Infinity,
  bytes: Infinity,
};

/** Counts events; the same in the cell and, against a cell that does not, in the gateway. */
export class EventMeter {
  readonly #limits: EventLimits;
  #secondBeganMs = -Infinity;
  #inSecond = 0;
  #events = 0;
  #bytes = 0;

  constructor(limits: EventLimits) {
    this.#limits = limits;
  }

  /** Events that passed. */
  get events(): number {
    return this.#events;
  }

  /** Whether one more event fits; it is counted where it does. */
  take(bytes: number, nowMs: number): boolean {
    if (nowMs - this.#secondBeganMs >= 1000) {
      this.#secondBeganMs = nowMs;
      this.#inSecond = 0;
    }
    const { perSecond, events } = this.#limits;
    if (this.#inSecond >= perSecond || this.#events >= events || !this.hold(bytes)) return false;
    this.#inSecond += 1;
    this.#events += 1;
    return true;
  }

  /** More bytes for what was counted already. */
  hold(bytes: number): boolean {
    if (this.#bytes + bytes > this.#limits.bytes) return false;
    this.#bytes += bytes;
    return true;
  }
}
