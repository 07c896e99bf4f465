// How often logind is read again, whoever asks for it. PRESENCE-9
import type { Timers } from '@airlock/protocol';
import fc from 'fast-check';
import t from 'tap';
import { Spaced } from '../src/spaced.js';

const PAUSE_MS = 50;

interface Watched {
  readonly starts: number[];
  readonly asked: number[];
  most: number;
}

/** Asked at these times, each run taking so long; time passes here alone. */
const play = async (asks: readonly number[], takesMs: number): Promise<Watched> => {
  let nowMs = 0;
  const dues: { readonly atMs: number; readonly fn: () => void }[] = [];
  const after: Timers['after'] = (ms, fn) => {
    dues.push({ atMs: nowMs + ms, fn });
    return { cancel: () => undefined };
  };
  const timers: Timers = { nowMs: () => nowMs, after };
  const seen: Watched = { starts: [], asked: [], most: 0 };
  let running = 0;
  const run = async (): Promise<void> => {
    seen.starts.push(nowMs);
    running += 1;
    seen.most = Math.max(seen.most, running);
    await new Promise<void>((resolve) => void after(takesMs, resolve));
    running -= 1;
  };
  const spaced = new Spaced(run, timers, PAUSE_MS);
  for (const atMs of asks)
    after(atMs, () => {
      seen.asked.push(nowMs);
      void spaced.ask();
    });
  while (dues.length > 0) {
    dues.sort((a, b) => a.atMs - b.atMs);
    const due = dues.shift();
    nowMs = due?.atMs ?? nowMs;
    due?.fn();
    for (let n = 0; n < 8; n += 1) await Promise.resolve();
  }
  return seen;
};

t.test('a flood of signals is read at most every 50 ms, and the last one is never lost', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(1000), { minLength: 1, maxLength: 60 }), fc.nat(120), async (asks, takesMs) => {
      const { starts, most } = await play(asks, takesMs);
      const isSpaced = starts.every((at, index) => index === 0 || at - (starts[index - 1] ?? 0) >= PAUSE_MS + takesMs);
      return isSpaced && most === 1 && (starts.at(-1) ?? -1) >= Math.max(...asks);
    }),
    { numRuns: 500 },
  );
  const flood = await play(
    Array.from({ length: 1000 }, (_, at) => at),
    0,
  );
  t.equal(flood.asked.length, 1000);
  t.ok(flood.starts.length <= 22, `${flood.starts.length} of 1000`);
  t.same((await play([0, 200], 0)).starts, [0, 200], 'negative control: what comes alone is read at once');
});
