/** The one operator of a soak: reads what is in front, and decides it as it was agreed with the agent that asked. */
import type { PendingResult } from '@airlock/protocol';
import { codeAt, type Running } from '@airlock/testkit';
import { withTotp, type Ask } from '../fire/operator.js';
import type { Hourglass } from './hourglass.js';

export type Wish = 'approve' | 'deny';

interface Agreed {
  readonly wish: Wish;
  /** What follows from the decision, which is over before the clock moves again. */
  readonly settled: Promise<unknown>;
}

const LOOK_MS = 15;
const STEP_MS = 30_000;
/** A code may come too late for the floor it has to reach; the next one does not. */
const AGAIN: ReadonlySet<string> = new Set(['CODE_REJECTED', 'NOT_FOUND']);

/** Decides what agents wish for until it is told to stop. */
export class Operator {
  readonly #running: Running;
  readonly #glass: Hourglass;
  readonly #wishes = new Map<string, Agreed>();
  #ending = false;
  readonly done: Promise<void>;

  constructor(running: Running, glass: Hourglass) {
    this.#running = running;
    this.#glass = glass;
    this.done = withTotp(running, (ask) => this.#work(ask));
    // Whoever waits for its end hears of it.
    this.done.catch(() => undefined);
  }

  /** @returns to be called when everything that follows from the decision has been seen */
  wish(match: string, wish: Wish): () => void {
    let settle = (): void => undefined;
    const settled = new Promise<void>((resolve) => (settle = resolve));
    this.#wishes.set(match, { wish, settled });
    return settle;
  }

  async stop(): Promise<void> {
    this.#ending = true;
    await this.done;
  }

  async #work(ask: Ask): Promise<void> {
    while (!this.#ending) {
      if (!(await this.#decideFront(ask))) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  async #decideFront(ask: Ask): Promise<boolean> {
    const { front } = await ask<PendingResult>('pending');
    const agreed = front === null ? undefined : this.#wishes.get(front.match);
    if (front === null || agreed === undefined) return false;
    const { id: request, digest, match } = front;
    try {
      if (agreed.wish === 'deny') await ask('request.deny', { request, reason: 'soak' });
      else {
        // Past the floor, and past the last code that was used.
        await this.#glass.move(front.waitS * 1000 + STEP_MS);
        await ask('request.approve', { request, digest, match, code: this.#code() });
      }
    } catch (thrown) {
      if (!AGAIN.has((thrown as { code?: string }).code ?? '')) throw thrown;
      return true;
    }
    this.#wishes.delete(match);
    await agreed.settled;
    return true;
  }

  #code(): string {
    const { secret, clock } = this.#running;
    return codeAt(secret, clock.wallMs());
  }
}
