/** SINK-1, SINK-3, SINK-4: whatever breaks, everything is told at least once, in order, one batch at a time. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import {
  NotDelivered,
  readPosition,
  Runner,
  START,
  writePosition,
  type Batch,
  type LogRecord,
  type Position,
  type Sink,
} from '../src/index.js';

const TOTAL = 40;
const BATCH = 7;

const recordAt = (seq: number): LogRecord => ({ seq, ts: '2026-11-20T12:00:00.000Z', event: 'operation', fields: {} });

/** A log of TOTAL records, BATCH at a time. */
const source = {
  next: async ({ seq }: Position): Promise<Batch | null> => {
    const records = Array.from({ length: Math.min(BATCH, TOTAL - seq) }, (_, n) => recordAt(seq + n + 1));
    return records.length === 0 ? null : { records, next: { segment: 'x', offset: seq, seq: seq + records.length } };
  },
  close: () => undefined,
};

interface Trouble {
  /** Deliveries that are refused, by number. */
  readonly refused: ReadonlySet<number>;
  /** Deliveries after which the connection breaks, so that what was taken last is lost. */
  readonly lost: ReadonlySet<number>;
  /** Steps after which the process is killed. */
  readonly killed: ReadonlySet<number>;
  readonly settleMs: number;
}

const drive = async ({ refused, lost, killed, settleMs }: Trouble): Promise<{ told: number[]; largest: number }> => {
  const told: number[] = [];
  let stored: Position = START;
  let now = 0;
  let deliveries = 0;
  let largest = 0;
  let isBroken = false;
  const sink: Sink = {
    settleMs,
    isBroken: () => isBroken,
    close: () => undefined,
    deliver: async (records, traces) => {
      deliveries += 1;
      largest = Math.max(largest, records.length);
      isBroken = false;
      if (refused.has(deliveries)) throw new NotDelivered('503');
      // What breaks right after it was taken never came to the receiver.
      if (settleMs > 0 && lost.has(deliveries)) isBroken = true;
      else told.push(...records.map(({ seq }) => seq));
      return traces;
    },
  };
  const make = (): Runner =>
    new Runner({
      ...{ name: 'x', source, sink },
      read: () => stored,
      write: (position) => (stored = position),
      timers: { nowMs: () => now, after: () => ({ cancel: () => undefined }) },
      random: () => 0.5,
      report: () => undefined,
    });
  let runner = make();
  for (let step = 1; step <= 200; step += 1) {
    now += Math.max(100, await runner.step());
    if (killed.has(step)) {
      isBroken = false;
      runner = make();
    }
  }
  return { told, largest };
};

const some = fc.uniqueArray(fc.integer({ min: 1, max: 25 }), { maxLength: 12 });

t.test('SINK-1: refused, broken and killed at any moment', async (t) => {
  await fc.assert(
    fc.asyncProperty(some, some, some, fc.constantFrom(0, 2000), async (refused, lost, killed, settleMs) => {
      const { told, largest } = await drive({
        refused: new Set(refused),
        lost: new Set(lost),
        killed: new Set(killed),
        settleMs,
      });
      const firsts = told.filter((seq, at) => told.indexOf(seq) === at);
      return largest <= BATCH && firsts.length === TOTAL && firsts.every((seq, at) => seq === at + 1);
    }),
    { numRuns: 500, seed: 11 },
  );
  const { told } = await drive({ refused: new Set(), lost: new Set([2]), killed: new Set(), settleMs: 2000 });
  t.equal(new Set(told).size, TOTAL, 'negative control: a batch that was lost comes again');
  t.same(
    (await drive({ refused: new Set(), lost: new Set(), killed: new Set(), settleMs: 0 })).told,
    Array.from({ length: TOTAL }, (_, at) => at + 1),
    'without trouble once each',
  );
});

t.test('SINK-3: a position that is damaged, torn or foreign is none', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'airlock-position-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, 'x.json');
  t.same(readPosition(path), START);
  const position: Position = { ...START, segment: '2026-11-20.jsonl', offset: 5, seq: 3 };
  writePosition(path, position);
  t.same(readPosition(path), position);
  t.equal(statSync(path).mode & 0o777, 0o600);
  for (const bad of [
    '',
    '{',
    'null',
    '[]',
    '{"segment":"x"}',
    JSON.stringify({ ...position, offset: -1 }),
    JSON.stringify({ ...position, traces: null }),
  ]) {
    writeFileSync(path, bad);
    t.same(readPosition(path), START, bad);
  }
  t.throws(() => writePosition(join(dir, 'no/where'), position), { code: 'ENOENT' });
});
