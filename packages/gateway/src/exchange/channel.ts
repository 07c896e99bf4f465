/**
 * One call that can be cancelled, and talked with where its caller wants that.
 *
 * EXCHANGE-1  a channel is of one connection of one session; another connection, of the same session even, has no part in it.
 * EXCHANGE-2  a cancelled call ends at once; one that may have written waits a moment for the cell to say so.
 * EXCHANGE-3  a channel ends with its call: what comes for it later, from either side, has no effect.
 */
import {
  AirlockError,
  CALL_EVENTS,
  EXCHANGE_LIMITS,
  EventMeter,
  type CellEvent,
  type CellExecuteParams,
  type CellResult,
  type CellWithheld,
  type ExchangeMcp,
  type ExchangeReply,
  type TimerHandle,
  type Timers,
} from '@airlock/protocol';
import type { Cell } from '../cells/cell.js';
import { GATEWAY_LIMITS } from '../limits.js';
import type { Listener } from '../sessions/sessions.js';

export interface ChannelOptions {
  /** As the agent calls it. */
  readonly name: string;
  /** As the cell calls it: one that no agent chose. */
  readonly id: string;
  readonly mcp: ExchangeMcp | undefined;
  readonly listener: Listener;
  readonly timers: Timers;
}

/** What its call does with what the cell says. */
export interface ChannelEars {
  event(event: CellEvent): void;
  withheld(withheld: CellWithheld): void;
}

const noAsk = (): AirlockError =>
  new AirlockError('NOT_FOUND', 'no question of this call waits for a reply with this id', {
    hint: 'reply once, to a question of a call that is still running',
  });

export class Channel {
  readonly name: string;
  readonly listener: Listener;
  readonly mcp: ExchangeMcp | undefined;
  /** The cell counts the seconds as well, and they begin at other times. */
  readonly meter = new EventMeter({ ...CALL_EVENTS, perSecond: 2 * CALL_EVENTS.perSecond });
  /** What the service says is in the session's taint. */
  isTainted = false;
  /** Questions that were put to the agent. */
  asks = 0;
  /** Events that did not reach it. */
  dropped = 0;
  ears: ChannelEars | null = null;
  readonly #id: string;
  readonly #timers: Timers;
  readonly #open = new Set<string>();
  #cell: Cell | null = null;
  #reason: AirlockError | null = null;
  #isOver = false;
  #onAbort: ((reason: AirlockError) => void) | null = null;
  #grace: TimerHandle | null = null;

  constructor({ name, id, mcp, listener, timers }: ChannelOptions) {
    this.name = name;
    this.#id = id;
    this.mcp = mcp;
    this.listener = listener;
    this.#timers = timers;
  }

  /** No event of it is wanted any more. */
  get isSilent(): boolean {
    return this.#isOver || this.#reason !== null;
  }

  /** @throws AirlockError why the call was given up */
  check(): void {
    if (this.#reason !== null) throw this.#reason;
  }

  /** Gives the call up. Idempotent. */
  abort(reason: AirlockError): void {
    if (this.isSilent) return;
    this.#reason = reason;
    this.#open.clear();
    this.#cell?.cancel(this.#id);
    this.#onAbort?.(reason);
  }

  /** Waits, and not longer than until the call is given up. */
  orAborted<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#onAbort = reject;
      if (this.#reason !== null) reject(this.#reason);
      answer.then(resolve, reject);
    });
  }

  /** The call itself, in its cell. `check` came right before. */
  async run(cell: Cell, order: CellExecuteParams, isWrite: boolean): Promise<CellResult> {
    this.#cell = cell;
    const mcp = this.mcp === undefined ? {} : { mcp: this.mcp };
    const answer = cell.execute({ ...order, exchange: { channel: this.#id, ...mcp } }, this.ears);
    try {
      return await (isWrite ? this.#orGraceOver(answer) : this.orAborted(answer));
    } finally {
      this.#cell = null;
      this.#grace?.cancel();
    }
  }

  /** EXCHANGE-3. */
  end(): void {
    this.#isOver = true;
    this.#open.clear();
  }

  /** Notes a question that is put to the agent. @returns false where it may not be asked */
  ask(id: string): boolean {
    if (this.#open.has(id) || this.#open.size >= EXCHANGE_LIMITS.maxOpenAsks) return false;
    this.#open.add(id);
    this.asks += 1;
    return true;
  }

  /** Hands a reply to the cell, once. @throws AirlockError NOT_FOUND, what the cell says */
  async reply(reply: ExchangeReply): Promise<void> {
    const cell = this.#cell;
    if (cell === null || this.isSilent || !this.#open.delete(reply.ask)) throw noAsk();
    await cell.reply({ ...reply, channel: this.#id });
  }

  /** EXCHANGE-2: the cell answers a cancel at once; one that does not says nothing of what was written. */
  #orGraceOver(answer: Promise<CellResult>): Promise<CellResult> {
    return new Promise((resolve, reject) => {
      this.#onAbort = (reason) => (this.#grace = this.#timers.after(GATEWAY_LIMITS.cancelGraceMs, () => reject(reason)));
      answer.then(resolve, reject);
    });
  }
}
