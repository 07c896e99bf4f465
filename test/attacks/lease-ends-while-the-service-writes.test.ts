// Attack: a service answers a write when the lease has just ended, so that the write was done and is reported as one that was not. CALL-10, PARKED-4.
import { Executor, type OpenedCell } from '@airlock/cell';
import { newMask } from '@airlock/guard';
import { digestOf, systemTimers, type ConnectorManifest, type OperationManifest, type ScopeClass } from '@airlock/protocol';
import t from 'tap';

const END_MS = 1000;

const operation = (name: string, kind: ScopeClass): OperationManifest => ({
  ...{ name, class: kind, outward: false, untrusted: false, summary: name },
  ...{ params: { type: 'object', additionalProperties: false, properties: {} }, result: { type: 'object' } },
});

const manifest: ConnectorManifest = {
  ...{ connector: 1, kind: 'slow', title: 'Slow', module: 'slow', summary: 'Answers late' },
  settings: { type: 'object', properties: {} },
  credential: { fields: {} },
  destination: { origins: [], user: 'ada' },
  operations: [operation('look', 'read'), operation('pay', 'write')],
};

/** A cell for one approved operation whose service answers at the end of the lease exactly. */
const slowCell = (name: string, done: string[]): Executor => {
  let nowMs = 0;
  const clock = { wallMs: () => nowMs, bootMs: () => nowMs };
  const execute = (called: string): Promise<{ result: string; count: number }> => {
    done.push(called);
    nowMs = END_MS;
    return Promise.resolve({ result: 'done', count: 1 });
  };
  const digest = digestOf({ operation: name, params: {}, service: 'bank' });
  const kind = manifest.operations.find((one) => one.name === name)?.class ?? 'read';
  const approved = { request: 'r-k3m9qz7w2p', operation: name, class: kind, digest };
  const cell: OpenedCell = {
    manifest,
    connector: {
      open: () => Promise.resolve({ execute, close: () => Promise.resolve() }),
      test: () => Promise.resolve(),
    },
    context: { manifest, settings: {}, credential: {}, destination: { kind: 'slow', origins: [], user: 'ada' }, clock },
    limits: {
      ...{ lease: 'lease-0001', service: 'bank', operator: 'default', trial: false, scopes: ['bank:read', 'bank:write'] },
      ...{ constraints: {}, deadlineWallMs: END_MS, deadlineBootMs: END_MS, approved },
    },
    mask: newMask([]),
    pins: {},
  };
  return new Executor(cell, systemTimers);
};

t.test('what was written is said to be written', async (t) => {
  const done: string[] = [];
  t.match(await slowCell('pay', done).execute({ operation: 'pay', params: {} }), { result: 'done' });
  t.same(done, ['pay']);
});

t.test('negative control: what was read does not leave after the end', async (t) => {
  const done: string[] = [];
  await t.rejects(slowCell('look', done).execute({ operation: 'look', params: {} }), { code: 'LEASE_EXPIRED' });
  t.same(done, ['look']);
});

t.test('negative control: after the end nothing is written', async (t) => {
  const done: string[] = [];
  const cell = slowCell('pay', done);
  await cell.execute({ operation: 'pay', params: {} });
  await t.rejects(cell.execute({ operation: 'pay', params: {} }), { code: 'LEASE_EXPIRED' });
  t.same(done, ['pay']);
});
