/**
 * From a message to its handler: state first, then parameters, then the work, and one answer whatever happens.
 *
 * IPC-8  a handler runs only where the state permits it and the schema took the parameters.
 * IPC-9  what a handler throws that is no AirlockError reaches the peer as INTERNAL without its text.
 * IPC-10 a request above the number in flight is refused, not queued.
 */
import { AirlockError, FrameError, LIMITS } from '@airlock/protocol';
import type { Connection, ConnectionOptions } from './connection.js';
import { errorText, resultText, type NotificationMessage, type RequestId, type RequestMessage } from './message.js';
import type { Outbox } from './outbox.js';
import type { CallContext, MethodEntry } from './table.js';

/** Requests not answered yet, counted over all connections of a socket. */
export interface InFlight {
  count: number;
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';

/** Own members only: `constructor` is no method. */
const lookUp = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

const tooMany = (where: string, limit: number): AirlockError =>
  new AirlockError('RATE_LIMITED', `more than ${limit} requests of this ${where} are in flight`, {
    hint: 'wait for answers before sending more requests',
    retryAfterMs: LIMITS.inFlightRetryMs,
  });

/** JSON-RPC 2.0 §4.2 allows parameters by position; we do not. */
const notByName = (params: unknown): AirlockError | null =>
  typeof params === 'object' && params !== null && !Array.isArray(params)
    ? null
    : new AirlockError('PARAMS_INVALID', 'params: expected an object', {
        field: 'params',
        expected: 'object',
        hint: 'send parameters by name',
      });

const quote = (method: string): string => JSON.stringify(method.slice(0, LIMITS.maxQuotedChars).toWellFormed());

export class Dispatcher<S> {
  readonly #outbox: Outbox;
  readonly #options: ConnectionOptions<S>;
  readonly #context: CallContext<S>;
  readonly #onAnswered: () => void;
  inFlight = 0;

  constructor(connection: Connection<S>, outbox: Outbox, options: ConnectionOptions<S>, onAnswered: () => void) {
    this.#outbox = outbox;
    this.#options = options;
    this.#context = { connection, state: options.state };
    this.#onAnswered = onAnswered;
  }

  /** Answers now or later, exactly once. Never throws. */
  request(message: RequestMessage): void {
    const { id, method } = message;
    this.#begin();
    let result: unknown;
    try {
      result = this.#admit(message).handle(message.params as object, this.#context);
    } catch (thrown) {
      return this.#fail(id, method, thrown);
    }
    if (!isThenable(result)) return this.#succeed(id, method, result);
    result.then(
      (value) => this.#succeed(id, method, value),
      (thrown: unknown) => this.#fail(id, method, thrown),
    );
  }

  /** @throws FrameError for one that is not in the table; there is no request to answer. */
  notification({ method, params }: NotificationMessage): void {
    const entry = lookUp(this.#options.notifications, method);
    if (entry === undefined) {
      const found = Object.hasOwn(this.#options.table, method)
        ? `the request ${quote(method)} without an id`
        : `the notification ${quote(method)}`;
      throw new FrameError('FRAME_INVALID', `the frame was refused: ${found}`, false, {
        found,
        hint: 'give every request an id',
      });
    }
    const refusal = entry.params(params);
    if (refusal !== null)
      throw new FrameError('FRAME_INVALID', `${method}: ${refusal.message}`, false, { hint: refusal.data.hint });
    try {
      entry.handle(params as object, this.#context);
    } catch (thrown) {
      this.#options.events.onInternalError?.(method, thrown);
    }
  }

  /** The entry that may run now. @throws AirlockError for what forbids it, the cheapest question first. */
  #admit({ method, params }: RequestMessage): MethodEntry<S> {
    const { maxInFlightPerConnection, maxInFlightPerSocket } = this.#options.limits;
    if (this.inFlight > maxInFlightPerConnection) throw tooMany('connection', maxInFlightPerConnection);
    if (this.#options.inFlight.count > maxInFlightPerSocket) throw tooMany('socket', maxInFlightPerSocket);
    const entry = lookUp(this.#options.table, method);
    if (entry === undefined) throw this.#unknown(method);
    const refusal = entry.permitted(this.#options.state) ?? notByName(params) ?? entry.params(params, this.#options.state);
    if (refusal !== null) throw refusal;
    return entry;
  }

  #unknown(method: string): AirlockError {
    const expected = Object.keys(this.#options.table).join(', ');
    return new AirlockError('METHOD_UNKNOWN', `no method is called ${quote(method)} here`, { expected, found: quote(method) });
  }

  #begin(): void {
    this.inFlight += 1;
    this.#options.inFlight.count += 1;
  }

  #end(): void {
    this.inFlight -= 1;
    this.#options.inFlight.count -= 1;
    this.#onAnswered();
  }

  #succeed(id: RequestId, method: string, result: unknown): void {
    let text: string;
    try {
      text = resultText(id, result);
    } catch (thrown) {
      // A cycle or a bigint in the result is a defect of the handler.
      return this.#fail(id, method, thrown);
    }
    this.#send(id, text);
    this.#end();
  }

  #fail(id: RequestId, method: string, thrown: unknown): void {
    if (!(thrown instanceof AirlockError)) this.#options.events.onInternalError?.(method, thrown);
    const error = thrown instanceof AirlockError ? thrown : new AirlockError('INTERNAL', 'an internal error');
    this.#send(id, errorText(id, error));
    this.#end();
  }

  #send(id: RequestId, text: string): void {
    if (!this.#context.connection.isOpen) return;
    const { maxFrameOutBytes } = this.#options.limits;
    // A UTF-16 unit is at most three bytes, so most answers need no count.
    const isTooLarge = text.length * 3 > maxFrameOutBytes && Buffer.byteLength(text) > maxFrameOutBytes;
    const error = isTooLarge ? new AirlockError('FRAME_TOO_LARGE', `the answer is above ${maxFrameOutBytes} bytes`) : null;
    this.#outbox.send(error === null ? text : errorText(id, error));
  }
}
