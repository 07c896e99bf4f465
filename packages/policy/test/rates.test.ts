// RATES-1, RATES-2: counters of calls, never shorter than the period and never without bound.
import fc from 'fast-check';
import t from 'tap';
import { RateCounters } from '../src/index.js';

class ManualClock {
  #nowMs = 1_000_000;
  advance(ms: number): void {
    this.#nowMs += ms;
  }
  bootMs(): number {
    return this.#nowMs;
  }
}

t.test('RATES-1: a call counts for its whole period, and for a sixtieth more at most', (t) => {
  const step = fc.record({ afterMs: fc.integer({ min: 0, max: 5000 }), key: fc.constantFrom('a', 'b') });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(1, 7, 60), (steps, perS) => {
      const clock = new ManualClock();
      const counters = new RateCounters(clock);
      const calls: { atMs: number; key: string }[] = [];
      for (const { afterMs, key } of steps) {
        clock.advance(afterMs);
        const now = clock.bootMs();
        const within = (ms: number): number => calls.filter((one) => one.key === key && now - one.atMs < ms).length;
        const counted = counters.count(key, perS);
        if (counted < within(perS * 1000) || counted > within(perS * 1000 * (1 + 2 / 60))) return false;
        counters.add([{ key, perS }]);
        calls.push({ atMs: now, key });
      }
      return true;
    }),
    { numRuns: 500 },
  );
  t.end();
});

t.test('the same key over two periods is two counters', (t) => {
  const clock = new ManualClock();
  const counters = new RateCounters(clock);
  counters.add([
    { key: 'k', perS: 1 },
    { key: 'k', perS: 60 },
  ]);
  clock.advance(5000);
  t.same([counters.count('k', 1), counters.count('k', 60)], [0, 1]);
  t.end();
});

t.test('RATES-2: memory is bounded; what was used longest ago goes first', (t) => {
  const counters = new RateCounters(new ManualClock());
  for (let index = 0; index < 25_000; index += 1) {
    counters.add([{ key: `k${index}`, perS: 60 }]);
    counters.add([{ key: 'busy', perS: 60 }]);
  }
  t.equal(counters.count('k0', 60), 0, 'forgotten');
  t.equal(counters.count('k24999', 60), 1);
  t.equal(counters.count('busy', 60), 25_000, 'what is in use stays');
  t.end();
});
