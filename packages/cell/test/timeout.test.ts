/** A service that never answers ends the call in time, on a clock of the test. */
import t from 'tap';
import { newMask } from '@airlock/guard';
import { systemClock, type ConnectorSession, type Timers } from '@airlock/protocol';
import { CELL_LIMITS, Executor, type OpenedCell } from '../src/index.js';
import { DESTINATION, LIMITS_OF_LEASE } from './cell-process.js';
import { fixtureManifest } from './fixture-connector.js';

/** Remembers what it was asked to do later. */
const heldTimers = () => {
  const held: { ms: number; fire: () => void }[] = [];
  const timers: Timers = { nowMs: () => 0, after: (ms, fire) => (held.push({ ms, fire }), { cancel: () => held.splice(0) }) };
  return { held, timers };
};

t.test('UPSTREAM_TIMEOUT after 30 s, and the connector is told; the next call works', async (test) => {
  const { held, timers } = heldTimers();
  const signals: AbortSignal[] = [];
  let hangs = true;
  const session: ConnectorSession = {
    execute: (_operation, _params, { signal }) => {
      signals.push(signal);
      return hangs ? new Promise(() => undefined) : Promise.resolve({ result: 'done', count: 1 });
    },
    close: () => Promise.resolve(),
  };
  const cell: OpenedCell = {
    manifest: fixtureManifest,
    connector: { open: () => Promise.resolve(session), test: () => Promise.resolve() },
    context: { manifest: fixtureManifest, settings: {}, credential: {}, destination: DESTINATION, clock: systemClock },
    limits: { ...LIMITS_OF_LEASE, deadlineWallMs: Number.MAX_SAFE_INTEGER, deadlineBootMs: Number.MAX_SAFE_INTEGER },
    mask: newMask([]),
  };
  const executor = new Executor(cell, timers);
  const call = executor.execute({ operation: 'echo', params: {} });
  await new Promise((resolve) => setImmediate(resolve));
  test.equal(held[0]?.ms, CELL_LIMITS.callTimeoutMs);
  held[0]?.fire();
  await test.rejects(call, { code: 'UPSTREAM_TIMEOUT' });
  test.equal(signals[0]?.aborted, true);
  hangs = false;
  test.match(await executor.execute({ operation: 'echo', params: {} }), { result: 'done' });
  test.equal(held.length, 0, 'no timer is left behind');
});
