// What npm run soak calls a leak, and what it does not; and what it misses in the record.
import t from 'tap';
import { noCounts, type Counts } from './agents.js';
import { driftOf, problemsOf, type Sample } from './measure.js';
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
  t.match(recordProblems(COUNTS, { ...FOUND, drafts: ['b'] }), [/0 drafts were saved, 1 are there/]);
  const doubled = FOUND.totp.map((line) => (line.lease === 'l2' ? { ...line, lease: 'l1' } : line));
  t.match(recordProblems(COUNTS, { ...FOUND, totp: doubled }), [/twice/]);
  const other = FOUND.totp.map((line) => (line.event === 'lease_expired' ? { ...line, lease: 'l3' } : line));
  t.match(recordProblems(COUNTS, { ...FOUND, totp: other }), [/not those that ended/]);
});
