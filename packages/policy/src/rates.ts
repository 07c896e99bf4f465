/**
 * How often something was called lately, for the rules that limit rates.
 *
 * RATES-1  a period is counted in sixtieths: a call counts until the sixtieth it fell in is over, so never shorter than the period.
 * RATES-2  memory is bounded; the counter that was used longest ago goes first. A restart begins from nothing (docs/spec/policy.md).
 */
import type { Clock } from '@airlock/protocol';

const SLICES = 60;
/** Rules that count, times roles, services and operations: far below in any house. */
const MAX_COUNTERS = 20_000;

interface Counter {
  readonly sliceMs: number;
  /** Number of the slice since boot, to calls in it. */
  readonly slices: Map<number, number>;
}

/** Only the boot clock is looked at: a wall clock can be set. */
export class RateCounters {
  readonly #clock: Pick<Clock, 'bootMs'>;
  readonly #counters = new Map<string, Counter>();

  constructor(clock: Pick<Clock, 'bootMs'>) {
    this.#clock = clock;
  }

  /** Calls counted under the key within the last `perS` seconds. */
  count(key: string, perS: number): number {
    const counter = this.#counters.get(`${perS} ${key}`);
    if (counter === undefined) return 0;
    const first = Math.floor(this.#clock.bootMs() / counter.sliceMs) - SLICES;
    let calls = 0;
    for (const [slice, count] of counter.slices) {
      if (slice >= first) calls += count;
      else counter.slices.delete(slice);
    }
    return calls;
  }

  add(keys: readonly { readonly key: string; readonly perS: number }[]): void {
    for (const { key, perS } of keys) this.#add(`${perS} ${key}`, perS);
  }

  #add(name: string, perS: number): void {
    const counter = this.#counters.get(name) ?? { sliceMs: (perS * 1000) / SLICES, slices: new Map<number, number>() };
    this.#counters.delete(name);
    this.#counters.set(name, counter);
    const slice = Math.floor(this.#clock.bootMs() / counter.sliceMs);
    counter.slices.set(slice, (counter.slices.get(slice) ?? 0) + 1);
    for (const old of counter.slices.keys()) if (old < slice - SLICES) counter.slices.delete(old);
    const [oldest] = this.#counters.keys();
    if (this.#counters.size > MAX_COUNTERS && oldest !== undefined) this.#counters.delete(oldest);
  }
}
