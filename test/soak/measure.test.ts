// What npm run soak calls a leak, and what it does not; and what it misses in the record.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { Dice } from '../fire/dice.js';
import { fromRoot } from '../fire/packages.js';
import { noCounts, type Counts } from './agents.js';
import { driftOf, LIMITS, problemsOf, type Sample } from './measure.js';
import { recordProblems, type Found } from './record.js';

const STILL: Sample = { liveKb: 8000, memoryKb: 20_000, descriptors: 30, children: 0 };
const samples = (of: (index: number) => Partial<Sample>): Sample[] =>
  Array.from({ length: 30 }, (_unused, index) => ({ ...STILL, ...of(index) }));

t.test('a heap that goes up and down is no leak; memory, descriptors and children that only rise are', async (t) => {
  const breathing = samples((index) => ({ memoryKb: 20_000 + (index % 5) * 4000, descriptors: 30 + (index % 2) }));
  t.same(problemsOf('x', driftOf(breathing)), []);
  const stepped = samples((index) => ({ liveKb: index < 18 ? 8000 : 9000, memoryKb: index < 18 ? 20_000 : 22_500 }));
  t.same(problemsOf('x', driftOf(stepped)), [], 'a buffer that doubles once');
  const restless = samples((index) => ({
    memoryKb: index > 9 && index % 7 === 0 ? 20_000 : 22_500,
    liveKb: 8000 + (index % 3) * 900,
  }));
  t.same(problemsOf('x', driftOf(restless)), [], 'pages that an allocator keeps for a while');
  t.match(problemsOf('x', driftOf(samples((index) => ({ memoryKb: 20_000 + index * 300 })))), [/memoryPercent/]);
  t.match(problemsOf('x', driftOf(samples((index) => ({ liveKb: 8000 + index * 60 })))), [/livePercent/]);
  t.match(problemsOf('x', driftOf(samples((index) => ({ descriptors: 30 + index })))), [/descriptors/]);
  t.match(problemsOf('x', driftOf(samples((index) => ({ children: index > 25 ? 1 : 0 })))), [/children/]);
});

/** Each round of a run that went well, as --trace wrote it: airlock-totp, airlock-gateway, the launcher. */
const recorded = (name: string): readonly (readonly Sample[])[] => {
  const lines = readFileSync(fromRoot(`test/soak/recorded/${name}.jsonl`), 'utf8')
    .trim()
    .split('\n');
  const rounds = lines.map((line) => JSON.parse(line) as readonly Sample[]);
  return [0, 1, 2].map((process) => rounds.flatMap((round) => round[process] ?? []));
};
const RUNS = ['seed-1', 'seed-2'].map(recorded);
const FEWEST = 32;
/** Every length at which the run could have ended. */
const lengths = (run: readonly Sample[]): readonly (readonly Sample[])[] =>
  run.slice(FEWEST - 1).map((_unused, more) => run.slice(0, FEWEST + more));
/** Leaks so many per cent of what is alive over the length of the run, from its last quarter on. */
const leakingLate = (run: readonly Sample[], percent: number): Sample[] => {
  const start = run.length - Math.floor(run.length / 4);
  return run.map((one, at) => {
    const leaked = (Math.max(0, at - start + 1) / run.length) * (percent / 100) * one.liveKb;
    return { ...one, liveKb: one.liveKb + leaked };
  });
};

t.test('runs that went well have no leak, whenever they had ended', async (t) => {
  for (const run of RUNS.flat())
    t.same(
      lengths(run).flatMap((part) => problemsOf('x', driftOf(part))),
      [],
    );
});

t.test('a leak of 5 % that begins in the last quarter is found in airlock-totp, whenever the run ends', async (t) => {
  for (const [totp = []] of RUNS)
    for (const part of lengths(totp)) t.match(problemsOf('x', driftOf(leakingLate(part, 5))), [/lateLivePercent/]);
});

t.test('and in airlock-gateway of 11 %, though its tables still fill up', async (t) => {
  for (const [, gateway = []] of RUNS)
    for (const part of lengths(gateway)) t.match(problemsOf('x', driftOf(leakingLate(part, 11))), [/lateLivePercent/]);
});

/** A level that is restless by a tenth of a per cent, up to its full tables after a half. */
const restless = (length: number, seed: number, filling: number): Sample[] => {
  const dice = new Dice(seed, 'restless');
  return Array.from({ length }, (_unused, at) => {
    const full = Math.min(at / length, 0.5) * filling;
    return { ...STILL, liveKb: 8000 * (1 + full + (dice.below(21) - 10) / 10_000) };
  });
};
const KINDS = [32, 60, 200].flatMap((length) => [0, 0.1].map((filling) => ({ length, filling })));

t.test('noise and tables that fill up are no late leak; with 6 % on top of them they are', async (t) => {
  for (const { length, filling } of KINDS) {
    const runs = Array.from({ length: 40 }, (_unused, seed) => restless(length, seed, filling));
    const late = (run: readonly Sample[]): boolean => driftOf(run).lateLivePercent > LIMITS.lateLivePercent;
    t.equal(runs.filter(late).length, 0, `${length} rounds, no leak`);
    const leaking = runs.map((run) => leakingLate(run, filling === 0 ? 6 : 12));
    t.equal(leaking.filter(late).length, 40, `${length} rounds, a leak`);
  }
});

t.test('a buffer that doubles late is no leak, two pieces that are left behind are', async (t) => {
  const jumping = (...rounds: readonly number[]): Sample[] =>
    samples((index) => ({ liveKb: 8000 + (index % 2) + 800 * rounds.filter((one) => index >= one).length }));
  for (let at = 8; at < 30; at += 1) t.same(problemsOf('x', driftOf(jumping(at))), [], `doubled in round ${at}`);
  t.match(problemsOf('x', driftOf(jumping(24, 27))), [/lateLivePercent/]);
});

t.test(
  'one descriptor more with each quarter is a leak, however long the run; one that is opened for good is none',
  async (t) => {
    for (const length of [32, 64, 400]) {
      const holding = (of: (part: number, index: number) => number): Sample[] =>
        Array.from({ length }, (_unused, index) => ({ ...STILL, descriptors: 30 + of(index / length, index) }));
      t.match(problemsOf('x', driftOf(holding((part) => Math.floor(part * 4)))), [/descriptorSteps rose by 3, at most 1/]);
      t.match(problemsOf('x', driftOf(holding((part) => Math.max(0, Math.floor(part * 4) - 1)))), [/descriptorSteps rose by 2/]);
      t.same(problemsOf('x', driftOf(holding((part) => (part < 0.6 ? 0 : 1)))), []);
      t.same(problemsOf('x', driftOf(holding((_part, index) => index % 2))), []);
      t.match(
        problemsOf('x', driftOf(holding((part) => Math.max(0, Math.round((part - 0.75) * 16))))),
        [/descriptors rose/],
        'late',
      );
    }
  },
);

const COUNTS: Counts = { ...noCounts(), leases: 2, released: 1, expired: 1, reads: 1, ran: 1, asked: 1, sent: ['a'] };
const FOUND: Found = {
  totp: [
    { event: 'lease_issued', lease: 'l1' },
    { event: 'lease_issued', lease: 'l2' },
    { event: 'operation_approved', request: 'r1' },
    { event: 'operation_taken', request: 'r1' },
    { event: 'lease_released', lease: 'l1' },
    { event: 'lease_expired', lease: 'l2' },
  ],
  gateway: [{ event: 'operation_asked' }, { event: 'operation_allowed' }, { event: 'operation_allowed' }],
  ...{ sent: ['a'], drafts: [] },
};

t.test('what is missing, doubled or invented in the record or on a server is found', async (t) => {
  t.same(recordProblems(COUNTS, FOUND), []);
  t.match(recordProblems(COUNTS, { ...FOUND, gateway: FOUND.gateway.slice(1) }), [/operation_asked: 0/]);
  const again = { ...FOUND, gateway: [...FOUND.gateway, { event: 'operation_asked' }] };
  t.match(recordProblems(COUNTS, again), [/operation_asked: 2/]);
  t.same(recordProblems({ ...COUNTS, turnedAway: 1 }, again), []);
  t.match(recordProblems({ ...COUNTS, expiredOperations: 2 }, FOUND), [/2 operations expired/]);
  t.match(recordProblems(COUNTS, { ...FOUND, sent: ['a', 'a'] }), [/twice/, /1 messages were sent, 2 arrived/]);
  t.match(recordProblems(COUNTS, { ...FOUND, sent: [] }), [/1 messages were sent, 0 arrived/]);
  const more = Array.from({ length: 3 }, () => ({ event: 'operation_allowed' }));
  t.match(recordProblems({ ...COUNTS, cut: 3 }, { ...FOUND, gateway: [...FOUND.gateway, ...more] }), [/were cut/]);
  t.same(recordProblems({ ...COUNTS, cut: 1 }, FOUND), [], 'cut before it was allowed');
  const allowed = { ...FOUND, gateway: [...FOUND.gateway, { event: 'operation_allowed' }] };
  t.same(recordProblems({ ...COUNTS, cut: 1 }, allowed), [], 'cut after it was');
  t.match(recordProblems(COUNTS, allowed), [/operation_allowed: 3/]);
  t.match(recordProblems(COUNTS, { ...FOUND, gateway: FOUND.gateway.slice(0, 2) }), [/operation_allowed: 1/]);
  t.match(recordProblems(COUNTS, { ...FOUND, drafts: ['b'] }), [/0 drafts were saved, 1 are there/]);
  const doubled = FOUND.totp.map((line) => (line.lease === 'l2' ? { ...line, lease: 'l1' } : line));
  t.match(recordProblems(COUNTS, { ...FOUND, totp: doubled }), [/twice/]);
  const other = FOUND.totp.map((line) => (line.event === 'lease_expired' ? { ...line, lease: 'l3' } : line));
  t.match(recordProblems(COUNTS, { ...FOUND, totp: other }), [/not those that ended/]);
});
