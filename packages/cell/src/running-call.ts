/**
 * The calls of a cell that have a channel: each can be cancelled, and replied to.
 *
 * EXCHANGE-2  a call that is cancelled ends at once, whatever its connector does; what it may have written is not denied (CELL-10).
 */
import { AirlockError, callCancelled, type ExchangeOrder, type ExchangeReply } from '@airlock/protocol';
import type { CellExchange } from './exchange.js';

export class RunningCall {
  readonly order: ExchangeOrder;
  /** Once the operation is known, where the call can be talked with. */
  exchange: CellExchange | null = null;
  #reason: AirlockError | null = null;
  #giveUp: ((error: AirlockError) => void) | null = null;

  constructor(order: ExchangeOrder) {
    this.order = order;
  }

  /** What to do where the call is given up; at once where it was already. */
  onGiveUp(giveUp: (error: AirlockError) => void): void {
    this.#giveUp = giveUp;
    if (this.#reason !== null) giveUp(this.#reason);
  }

  giveUp(error: AirlockError): void {
    this.#reason ??= error;
    this.#giveUp?.(this.#reason);
  }
}

export class RunningCalls {
  readonly #calls = new Map<string, RunningCall>();

  /** @throws AirlockError PARAMS_INVALID for a channel that is in use */
  begin(order: ExchangeOrder): RunningCall {
    if (this.#calls.has(order.channel))
      throw new AirlockError('PARAMS_INVALID', 'a call of this channel is running', { field: 'params.exchange.channel' });
    const call = new RunningCall(order);
    this.#calls.set(order.channel, call);
    return call;
  }

  end(call: RunningCall): void {
    this.#calls.delete(call.order.channel);
    call.exchange?.end();
  }

  /** @throws AirlockError NOT_FOUND */
  reply(reply: ExchangeReply): void {
    const exchange = this.#calls.get(reply.channel)?.exchange;
    if (!exchange) throw new AirlockError('NOT_FOUND', 'no call of this channel can be replied to');
    exchange.reply(reply);
  }

  /** A call that has just ended is not there any more. */
  cancel(channel: string): void {
    this.#calls.get(channel)?.giveUp(callCancelled());
  }
}
