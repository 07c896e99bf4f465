/** The meter of events: what passes in any second, and in all (EXCHANGE-6). */
import fc from 'fast-check';
import t from 'tap';
import { CALL_EVENTS, EXCHANGE_LIMITS, EventMeter, type EventLimits } from '../src/index.js';

const small = fc.record({ perSecond: fc.nat(5), events: fc.nat(20), bytes: fc.nat(100) });
const offers = fc.array(fc.record({ afterMs: fc.nat(700), bytes: fc.nat(40) }), { maxLength: 60 });

const passed = (limits: EventLimits, tries: readonly { readonly afterMs: number; readonly bytes: number }[]) => {
  const meter = new EventMeter(limits);
  let nowMs = 0;
  return tries.flatMap(({ afterMs, bytes }) => {
    nowMs += afterMs;
    return meter.take(bytes, nowMs) ? [{ nowMs, bytes }] : [];
  });
};

t.test('EXCHANGE-6: whatever is offered, no limit is passed, and what fits passes', async () => {
  fc.assert(
    fc.property(small, offers, (limits, tries) => {
      const all = passed(limits, tries);
      const bytes = all.reduce((sum, one) => sum + one.bytes, 0);
      // Seconds are counted from the first event of each, so any span of a second holds two of them at most.
      const inOne = Math.max(
        0,
        ...all.map((one) => all.filter(({ nowMs }) => nowMs >= one.nowMs && nowMs < one.nowMs + 1000).length),
      );
      return all.length <= limits.events && bytes <= limits.bytes && inOne <= 2 * limits.perSecond;
    }),
  );
  const free = { perSecond: Infinity, events: Infinity, bytes: Infinity };
  fc.assert(fc.property(offers, (tries) => passed(free, tries).length === tries.length));
});

t.test('EXCHANGE-6: 200 a second, 10,000 a call, and a new second makes room', async (t) => {
  const meter = new EventMeter(CALL_EVENTS);
  const many = (count: number, nowMs: number): number => Array.from({ length: count }).filter(() => meter.take(1, nowMs)).length;
  t.equal(many(1000, 0), EXCHANGE_LIMITS.maxEventsPerSecond);
  t.equal(many(1000, 999), 0);
  t.equal(many(1000, 1000), EXCHANGE_LIMITS.maxEventsPerSecond);
  for (let second = 2; second < 100; second += 1) many(1000, second * 1000);
  t.equal(meter.events, EXCHANGE_LIMITS.maxEventsPerCall);
});
