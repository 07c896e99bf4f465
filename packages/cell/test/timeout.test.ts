/** A service that never answers ends the call in time, on a clock of the test. */
import t from 'tap';
import { newMask } from '@airlock/guard';
import { AirlockError, systemClock, type Clock, type ConnectorSession, type ReleaseLimits, type Timers } from '@airlock/protocol';
import { CELL_LIMITS, Executor, type OpenedCell } from '../src/index.js';
import { DESTINATION, LIMITS_OF_LEASE } from './cell-process.js';
import { fixtureManifest } from './fixture-connector.js';

/** Remembers what it was asked to do later. */
const heldTimers = () => {
  const held: { ms: number; fire: () => void }[] = [];
  const timers: Timers = { nowMs: () => 0, after: (ms, fire) => (held.push({ ms, fire }), { cancel: () => held.splice(0) }) };
  return { held, timers };
};

const ENDLESS = { deadlineWallMs: Number.MAX_SAFE_INTEGER, deadlineBootMs: Number.MAX_SAFE_INTEGER };

interface Setup {
  readonly limits?: Partial<ReleaseLimits>;
  readonly clock?: Clock;
  readonly opening?: Promise<unknown>;
}

const sessionOf = (execute: ConnectorSession['execute']): ConnectorSession => ({ execute, close: () => Promise.resolve() });

const cellOf = (session: ConnectorSession, { limits, clock = systemClock, opening }: Setup = {}): OpenedCell => ({
  manifest: fixtureManifest,
  connector: {
    open: async () => {
      await opening;
      return session;
    },
    test: () => Promise.resolve(),
  },
  context: { manifest: fixtureManifest, settings: {}, credential: {}, destination: DESTINATION, clock },
  limits: { ...LIMITS_OF_LEASE, ...ENDLESS, ...limits },
  mask: newMask([]),
  pins: {},
});

const WRITES: Partial<ReleaseLimits> = { scopes: ['tower:write'], unattended: ['wreck'] };
const WRECK = { operation: 'wreck', params: {} };
const never = (): Promise<never> => new Promise(() => undefined);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

t.test('UPSTREAM_TIMEOUT after 30 s, and the connector is told; the next call works', async (test) => {
  const { held, timers } = heldTimers();
  const signals: AbortSignal[] = [];
  let hangs = true;
  const session = sessionOf((_operation, _params, { signal }) => {
    signals.push(signal);
    return hangs ? never() : Promise.resolve({ result: 'done', count: 1 });
  });
  const executor = new Executor(cellOf(session), timers);
  const call = executor.execute({ operation: 'echo', params: {} });
  await turn();
  test.equal(held[0]?.ms, CELL_LIMITS.callTimeoutMs);
  held[0]?.fire();
  await test.rejects(call, { code: 'UPSTREAM_TIMEOUT' });
  test.equal(signals[0]?.aborted, true);
  hangs = false;
  test.match(await executor.execute({ operation: 'echo', params: {} }), { result: 'done' });
  test.equal(held.length, 0, 'no timer is left behind');
});

t.test('CELL-10 a write that takes too long has an unknown outcome, and the connector is told', async (test) => {
  const { held, timers } = heldTimers();
  let signal: AbortSignal | undefined;
  const session = sessionOf((_operation, _params, context) => {
    signal = context.signal;
    return never();
  });
  const call = new Executor(cellOf(session, { limits: WRITES }), timers).execute(WRECK);
  await turn();
  held[0]?.fire();
  await test.rejects(call, { code: 'OUTCOME_UNKNOWN', data: { retry: 'never' } });
  test.equal(signal?.aborted, true);
});

t.test('CELL-10 a write given up while the session is opened happens neither then nor later', async (test) => {
  const { held, timers } = heldTimers();
  let release: (value: unknown) => void = () => undefined;
  let written = 0;
  const session = sessionOf(() => Promise.resolve({ result: (written += 1), count: 1 }));
  const opening = new Promise((resolve) => (release = resolve));
  const call = new Executor(cellOf(session, { limits: WRITES, opening }), timers).execute(WRECK);
  await turn();
  held[0]?.fire();
  await test.rejects(call, { code: 'UPSTREAM_TIMEOUT' });
  release(null);
  await turn();
  test.equal(written, 0);
});

t.test('CELL-10 a write that was answered is told, although the lease ended meanwhile; a read is not', async (test) => {
  let nowMs = 1000;
  const clock: Clock = { wallMs: () => nowMs, bootMs: () => nowMs };
  const session = sessionOf(() => {
    nowMs = 3000;
    return Promise.resolve({ result: 'done', count: 1 });
  });
  const limits = { ...WRITES, scopes: ['tower:write', 'tower:read'], deadlineWallMs: 2000, deadlineBootMs: 2000 };
  const executor = new Executor(cellOf(session, { limits, clock }), heldTimers().timers);
  test.match(await executor.execute(WRECK), { result: 'done' });
  nowMs = 1000;
  await test.rejects(executor.execute({ operation: 'echo', params: {} }), { code: 'LEASE_EXPIRED' });
});

t.test('CELL-10 a lease that ends while the session is opened lets nothing be written', async (test) => {
  let nowMs = 1000;
  let written = 0;
  const clock: Clock = { wallMs: () => nowMs, bootMs: () => nowMs };
  const opening = Promise.resolve().then(() => (nowMs = 3000));
  const session = sessionOf(() => Promise.resolve({ result: (written += 1), count: 1 }));
  const limits = { ...WRITES, deadlineWallMs: 2000, deadlineBootMs: 2000 };
  const executor = new Executor(cellOf(session, { limits, clock, opening }), heldTimers().timers);
  await test.rejects(executor.execute(WRECK), { code: 'LEASE_EXPIRED' });
  test.equal(written, 0);
});

t.test('CELL-10 a write whose connector breaks may have happened; one it refuses has not', async (test) => {
  const failing = (thrown: Error) => {
    const session = sessionOf(() => Promise.reject(thrown));
    return new Executor(cellOf(session, { limits: WRITES }), heldTimers().timers).execute(WRECK);
  };
  await test.rejects(failing(new TypeError('broken')), { code: 'OUTCOME_UNKNOWN' });
  await test.rejects(failing(new AirlockError('UPSTREAM_REFUSED', 'no')), { code: 'UPSTREAM_REFUSED' });
  const mute = sessionOf(() => Promise.resolve(undefined as never));
  await test.rejects(new Executor(cellOf(mute, { limits: WRITES }), heldTimers().timers).execute(WRECK), {
    code: 'OUTCOME_UNKNOWN',
  });
});
