/**
 * Pairing letters: printed on the terminal of `airlock mcp --http`, typed into the consent page. They prove that who
 * looks at the page also looks at that terminal. They are no code of Airlock and hold no digit, so as to look like none.
 *
 * OAUTH-1 good once, for five minutes and five tries; 20 wrong tries within an hour end signing in until the hour is over.
 */
import type { Timers } from '@airlock/protocol';
import type { RandomBytes } from '../net/bearer.js';
import type { NetLimits } from '../net/limits.js';
import { digestOf, isSame } from './secrets.js';

/** No vowel, so that they are no words; no Y, which is one at times. */
const ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ';
/** 20^8: 34 bits, against twenty tries an hour. */
const LENGTH = 8;
/** Greatest multiple of 20 in a byte: what is above would make some letters likelier. */
const FAIR = 240;

export interface PairingOptions {
  readonly limits: Pick<NetLimits, 'pairingMs' | 'pairingTries' | 'pairingFailures' | 'pairingWindowMs'>;
  readonly timers: Pick<Timers, 'nowMs'>;
  readonly random: RandomBytes;
  /** Shows the letters to the human. */
  readonly show: (letters: string) => void;
}

const draw = (random: RandomBytes): string => {
  let letters = '';
  while (letters.length < LENGTH) {
    for (const byte of random(LENGTH)) {
      if (byte < FAIR && letters.length < LENGTH) letters += ALPHABET[byte % ALPHABET.length] ?? '';
    }
  }
  return letters;
};

/** As people type them: with or without hyphen, in any case. */
const normal = (typed: string): string => typed.replaceAll(/[\s-]/g, '').toUpperCase();

export class Pairing {
  readonly #options: PairingOptions;
  #live: { readonly digest: Buffer; readonly untilMs: number; triesLeft: number } | null = null;
  #failuresMs: number[] = [];

  constructor(options: PairingOptions) {
    this.#options = options;
  }

  /** Too many wrong tries lately. */
  get isClosed(): boolean {
    const { limits, timers } = this.#options;
    const since = timers.nowMs() - limits.pairingWindowMs;
    this.#failuresMs = this.#failuresMs.filter((at) => at > since);
    return this.#failuresMs.length >= limits.pairingFailures;
  }

  get triesLeft(): number {
    return this.#current()?.triesLeft ?? 0;
  }

  /** Shows new letters where there are none that can be typed. */
  offer(): void {
    if (this.isClosed || this.#current() !== null) return;
    const { limits, timers, random, show } = this.#options;
    const letters = draw(random);
    this.#live = { digest: digestOf(letters), untilMs: timers.nowMs() + limits.pairingMs, triesLeft: limits.pairingTries };
    show(`${letters.slice(0, LENGTH / 2)}-${letters.slice(LENGTH / 2)}`);
  }

  /** True once for each set of letters. A try is spent before it is compared. */
  check(typed: string): boolean {
    const live = this.isClosed ? null : this.#current();
    if (live === null) return false;
    live.triesLeft -= 1;
    const isRight = isSame(normal(typed), live.digest);
    if (isRight || live.triesLeft <= 0) this.#live = null;
    if (!isRight) this.#failuresMs.push(this.#options.timers.nowMs());
    return isRight;
  }

  #current(): { triesLeft: number; readonly digest: Buffer } | null {
    if (this.#live !== null && this.#options.timers.nowMs() >= this.#live.untilMs) this.#live = null;
    return this.#live;
  }
}
