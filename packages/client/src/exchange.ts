/**
 * Calls that can be cancelled, and talked with while they run (docs/spec/exchange.md).
 *
 * CLIENT-5 every such call has a name of its own, which no other process of the same session hits upon.
 * CLIENT-6 a question is answered once, and not after its call has ended; one that nobody can answer is refused at once.
 */
import { randomBytes } from 'node:crypto';
import type { CallParams, CallResult, ExchangeError, ExchangeEvent, ExchangeMcp, Json } from '@airlock/protocol';
import { call, type CallHints } from './calls/call.js';
import type { Caller } from './calls/caller.js';

/** What a caller does with what the service says while its call runs. */
export interface ExchangeChoice {
  /** What the MCP client behind this call said. */
  readonly mcp: ExchangeMcp;
  readonly onNotify?: ((method: string, params: Json) => void) | undefined;
  /**
   * Answers a question: sampling, elicitation, roots. What it throws is told as an error, with `code` and `data` of an error of JSON-RPC.
   * The signal aborts where the call has ended, and nobody waits any more.
   */
  readonly onAsk?: ((method: string, params: Json, options: { readonly signal: AbortSignal }) => Promise<Json>) | undefined;
}

/** JSON-RPC 2.0 §5.1. */
const METHOD_UNKNOWN = -32601;
const INTERNAL = -32603;
/** Where even the error may not be told. */
const UNSAYABLE = 'the question could not be answered';
const NAME_BYTES = 9;
const MAX_MESSAGE_CHARS = 1024;
/** A little above the gateway's own limit for such a call (125 s), which tells more. */
const EXCHANGE_TIMEOUT_MS = 130_000;

type Hear = (event: ExchangeEvent) => void;

/** The calls of one session object that have a channel. */
export class OpenCalls {
  readonly #hears = new Map<string, Hear>();
  readonly #prefix = randomBytes(NAME_BYTES).toString('base64url');
  #count = 0;

  /** CLIENT-5. @returns the channel */
  add(hear: Hear): string {
    this.#count += 1;
    const channel = `c-${this.#prefix}-${this.#count}`;
    this.#hears.set(channel, hear);
    return channel;
  }

  delete(channel: string): void {
    this.#hears.delete(channel);
  }

  /** What the gateway tells; of no interest where the call has ended. */
  hear({ channel, event }: { readonly channel: string; readonly event: ExchangeEvent }): void {
    this.#hears.get(channel)?.(event);
  }
}

/** A session, as far as a call with a channel needs one. */
export interface ExchangeCaller extends Caller {
  readonly openCalls: OpenCalls;
}

const errorOf = (thrown: unknown): ExchangeError => {
  const { code, data, message } = (thrown ?? {}) as { readonly code?: unknown; readonly data?: Json; readonly message?: unknown };
  const isRpc = typeof code === 'number' && Number.isSafeInteger(code);
  return {
    code: isRpc ? code : INTERNAL,
    message: (typeof message === 'string' ? message : UNSAYABLE).slice(0, MAX_MESSAGE_CHARS),
    ...(isRpc && data !== undefined ? { data } : {}),
  };
};

const unanswerable = (): Error => Object.assign(new Error('nobody here answers questions'), { code: METHOD_UNKNOWN });

type Reply = { readonly result: Json } | { readonly error: ExchangeError };

/** CLIENT-6. A reply that the gateway refuses becomes an error, so that the service does not wait in vain. */
const answer = async (
  caller: ExchangeCaller,
  channel: string,
  event: Extract<ExchangeEvent, { ask: string }>,
  exchange: ExchangeChoice,
  over: AbortSignal,
): Promise<void> => {
  const { ask, method, params } = event;
  const send = (reply: Reply): Promise<unknown> =>
    over.aborted ? Promise.resolve() : caller.call('call.reply', { channel, ask, ...reply });
  try {
    if (exchange.onAsk === undefined) throw unanswerable();
    await send({ result: await exchange.onAsk(method, params, { signal: over }) });
  } catch (thrown) {
    await send({ error: errorOf(thrown) })
      .catch(() => send({ error: { code: INTERNAL, message: UNSAYABLE } }))
      .catch(() => undefined);
  }
};

export interface ChannelChoice {
  readonly exchange?: ExchangeChoice | undefined;
  /** Cancels the call. */
  readonly signal?: AbortSignal | undefined;
}

const hearing =
  (caller: ExchangeCaller, channel: () => string, exchange: ExchangeChoice, over: AbortSignal): Hear =>
  (event) => {
    if ('ask' in event) void answer(caller, channel(), event, exchange, over);
    else exchange.onNotify?.(event.notify.method, event.notify.params);
  };

/** What happens twice would be asked twice: such a call is not sent again after a lost connection, nor one that was cancelled. */
const hintsOf = (hints: CallHints, { exchange, signal }: ChannelChoice): CallHints =>
  exchange === undefined
    ? { ...hints, mayRepeat: () => signal?.aborted !== true }
    : { timeoutMs: EXCHANGE_TIMEOUT_MS, ...hints, mayRepeat: () => false };

/**
 * As `call`, under a channel. Aborting the signal cancels the call, whose own answer says what came of it: UNAVAILABLE where
 * nothing was done, OUTCOME_UNKNOWN where that is not known, or the result where it was there first.
 * @throws AirlockError as `call`; the signal's reason where it was aborted before
 */
export const callOnChannel = async (
  caller: ExchangeCaller,
  params: CallParams,
  choice: ChannelChoice,
  hints: CallHints = {},
): Promise<CallResult> => {
  const { exchange, signal } = choice;
  signal?.throwIfAborted();
  const over = new AbortController();
  let channel = '';
  const hear = exchange === undefined ? () => undefined : hearing(caller, () => channel, exchange, over.signal);
  channel = caller.openCalls.add(hear);
  const cancel = (): void => void caller.call('call.cancel', { channel }).catch(() => undefined);
  signal?.addEventListener('abort', cancel, { once: true });
  const context = { ...params.context, channel, ...(exchange === undefined ? {} : { mcp: exchange.mcp }) };
  try {
    return await call(caller, { ...params, context }, hintsOf(hints, choice));
  } finally {
    signal?.removeEventListener('abort', cancel);
    caller.openCalls.delete(channel);
    over.abort();
  }
};
