/** Calls we made that are not answered yet; one timer for all of them, so that a call costs none. */
import { AirlockError, asAirlockError, fromWireError, type TimerHandle, type Timers } from '@airlock/protocol';
import type { ResponseMessage } from './message.js';

interface PendingCall {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: AirlockError) => void;
  readonly deadlineMs: number;
  readonly method: string;
}

/** Errors that the other side answered with; all others were made on this side. */
const answered = new WeakSet<object>();

/** True where the error came as the other side's answer to a call: it was heard, and this is what it says. */
export const wasAnswered = (thrown: unknown): boolean => typeof thrown === 'object' && thrown !== null && answered.has(thrown);

const answeredWith = (error: AirlockError): AirlockError => {
  answered.add(error);
  return error;
};

export class PendingCalls {
  readonly #timers: Timers;
  readonly #calls = new Map<number, PendingCall>();
  #lastId = 0;
  #sweep: TimerHandle | null = null;
  #sweepAtMs = Infinity;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  get size(): number {
    return this.#calls.size;
  }

  /** Registers a call under a new id, which `send` puts on the wire. */
  add(method: string, timeoutMs: number, send: (id: number) => void): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    const deadlineMs = this.#timers.nowMs() + timeoutMs;
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#calls.set(id, { resolve, reject, deadlineMs, method });
    });
    if (deadlineMs < this.#sweepAtMs) this.#armSweep(deadlineMs);
    try {
      send(id);
    } catch (thrown) {
      this.#calls.get(id)?.reject(asAirlockError(thrown));
      this.#calls.delete(id);
    }
    return answer;
  }

  /** @returns false for an answer to something never asked: the other side misbehaves. Late answers are dropped. */
  settle(message: ResponseMessage): boolean {
    const { id } = message;
    if (typeof id !== 'number' || id < 1 || id > this.#lastId) return false;
    const call = this.#calls.get(id);
    if (call === undefined) return true;
    this.#calls.delete(id);
    if (message.error === undefined) call.resolve(message.result);
    else call.reject(answeredWith(fromWireError(message.error)));
    return true;
  }

  /** Ends every call with the reason; used when the connection ends. */
  rejectAll(error: AirlockError): void {
    this.#disarm();
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) call.reject(error);
  }

  #disarm(): void {
    this.#sweep?.cancel();
    this.#sweep = null;
    this.#sweepAtMs = Infinity;
  }

  #armSweep(atMs: number): void {
    this.#disarm();
    if (atMs === Infinity) return;
    this.#sweepAtMs = atMs;
    this.#sweep = this.#timers.after(atMs - this.#timers.nowMs(), () => this.#expire());
  }

  /** Calls answered in time left the timer armed; it looks at those that are left and arms itself for the next. */
  #expire(): void {
    const nowMs = this.#timers.nowMs();
    let nextMs = Infinity;
    const late: PendingCall[] = [];
    for (const [id, call] of this.#calls) {
      if (call.deadlineMs > nowMs) {
        nextMs = Math.min(nextMs, call.deadlineMs);
        continue;
      }
      this.#calls.delete(id);
      late.push(call);
    }
    this.#armSweep(nextMs);
    for (const call of late) call.reject(new AirlockError('UNAVAILABLE', `no answer to ${call.method} in time`));
  }
}
