import { readFileSync } from 'node:fs';
import t from 'tap';
import { LIMITS } from '../src/limits.js';
import { FRAME_VECTORS } from './frame-vectors.js';

const document = readFileSync(new URL('../../../../docs/spec/wire.md', import.meta.url), 'utf8');

t.test('the example of docs/spec/wire.md is the first vectors', async (t) => {
  for (const vector of FRAME_VECTORS.slice(0, 3)) t.ok(document.includes(` ${vector.content.toString()}\n`), vector.name);
  const release = FRAME_VECTORS[3]?.wire.toString('hex') ?? 'none';
  t.ok(document.replaceAll(/(?<=[0-9a-f]) (?=[0-9a-f])/g, '').includes(release), release);
});

t.test('the limits of docs/spec/wire.md are those of limits.ts', async (t) => {
  const stated = document.slice(document.indexOf('## Limits'));
  const thousands = (count: number): string => count.toLocaleString('en-US');
  for (const count of [
    LIMITS.maxFrameInBytes,
    LIMITS.maxFrameOutBytes,
    LIMITS.maxBinaryFrameBytes,
    LIMITS.maxJsonDepth,
    LIMITS.halfFrameTimeoutMs / 1000,
    LIMITS.idleTimeoutMs / 60_000,
    LIMITS.maxConnectionsPerSocket,
    LIMITS.maxInFlightPerConnection,
    LIMITS.maxInFlightPerSocket,
    LIMITS.unsentPauseBytes,
    LIMITS.maxUnsentBytes,
    LIMITS.maxHeldBytesPerSocket,
    LIMITS.freeHeldBytes,
  ]) {
    t.match(stated, new RegExp(`[| ]${thousands(count)}[ |]`), thousands(count));
  }
});

t.test('the rules are numbered without a gap', async (t) => {
  const numbers = [...document.matchAll(/\*\*WIRE-(\d+)\*\*/g)].map((match) => Number(match[1])).sort((a, b) => a - b);
  t.same(
    numbers,
    Array.from({ length: numbers.length }, (_, index) => index + 1),
  );
});
