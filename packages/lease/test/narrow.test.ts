/** Property tests: whatever is appended takes away, whatever is changed is refused. */
import fc from 'fast-check';
import { parseScope, scopeCovers } from '@airlock/protocol';
import t from 'tap';
import { type Caveat, type LeaseConstraints, narrowLease, type VerifiedLease, verifyLease } from '../src/index.js';
import { appendJson, codeOf, facts, KEY, mint, NOW_MS } from './sample.js';

const RUNS = { numRuns: 400, seed: 20 };
const sorted = (items: readonly string[]): string[] => [...new Set(items)].sort();

const scopes = fc
  .uniqueArray(
    fc
      .tuple(
        fc.constantFrom('gmail', 'calendar', 'drive'),
        fc.constantFrom('read', 'use', 'write'),
        fc.constantFrom('', ':list', ':get'),
      )
      .map((parts) => `${parts[0]}:${parts[1]}${parts[2]}`),
    { minLength: 1, maxLength: 6 },
  )
  .map(sorted);
const items = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 3 }).map(sorted);
const day = fc.constantFrom('2025-01-01', '2025-06-30', '2026-02-28');
const constraints = fc
  .record(
    {
      ...{ folders: items, domains: items, senders: items, calendars: items, since: day, before: day },
      maxResults: fc.integer({ min: 1, max: 50 }),
      maxRisk: fc.integer({ min: 0, max: 1000 }),
    },
    { requiredKeys: [] },
  )
  .filter((value) => Object.keys(value).length > 0);
const caveat: fc.Arbitrary<Caveat> = fc.oneof(
  scopes.map((list) => ['scopes', list] as const),
  fc.integer({ min: 2, max: 7_000_000 }).map((ms) => ['expires', NOW_MS + ms] as const),
  fc.integer({ min: 1, max: 9 }).map((calls) => ['budget', { calls }] as const),
  fc.integer({ min: 1, max: 999 }).map((bytes) => ['budget', { bytes }] as const),
  constraints.map((value) => ['constraints', value] as const),
);
const caveats = fc.array(caveat, { minLength: 1, maxLength: 5 });

const within = (narrower: readonly string[] | undefined, wider: readonly string[] | undefined): boolean =>
  wider === undefined || (narrower?.every((item) => wider.includes(item)) ?? false);
const noWiderConstraints = (narrower: LeaseConstraints, wider: LeaseConstraints): boolean =>
  within(narrower.folders, wider.folders) &&
  within(narrower.domains, wider.domains) &&
  within(narrower.senders, wider.senders) &&
  within(narrower.calendars, wider.calendars) &&
  (wider.since === undefined || (narrower.since ?? '') >= wider.since) &&
  (wider.before === undefined || (narrower.before ?? '9') <= wider.before) &&
  (wider.maxResults === undefined || (narrower.maxResults ?? Infinity) <= wider.maxResults) &&
  (wider.maxRisk === undefined || (narrower.maxRisk ?? Infinity) <= wider.maxRisk);
const noWider = (narrower: VerifiedLease, wider: VerifiedLease): boolean =>
  narrower.effective.scopes.every((scope) =>
    wider.effective.scopes.some((other) => scopeCovers(parseScope(other), parseScope(scope))),
  ) &&
  narrower.effective.expiresMs <= wider.effective.expiresMs &&
  narrower.effective.bootDeadlineMs <= wider.effective.bootDeadlineMs &&
  noWiderConstraints(narrower.effective.constraints, wider.effective.constraints) &&
  wider.budgets.every((budget, index) => JSON.stringify(narrower.budgets[index]) === JSON.stringify(budget));

/** Verified, or null where the lease has ended already. */
const verified = (lease: string): VerifiedLease | null => {
  if (codeOf(() => verifyLease(KEY, lease, facts())) === 'LEASE_EXPIRED') return null;
  return verifyLease(KEY, lease, facts());
};

t.test('LEASE-7 appending never widens, whatever a holder appends with code of its own', async (t) => {
  fc.assert(
    fc.property(scopes, caveats, (issued, added) => {
      let lease = mint({ scopes: issued, budget: { calls: 5, bytes: 100 } });
      let before = verified(lease);
      for (const item of added) {
        lease = appendJson(lease, item as never);
        const after = verified(lease);
        if (after === null || before === null) return;
        if (!noWider(after, before) || after.asIssued || after.issuedTag !== before.issuedTag)
          throw new Error(JSON.stringify({ before, after }));
        before = after;
      }
    }),
    RUNS,
  );
  t.pass();
});

t.test('negative control: the comparison sees a wider lease', async (t) => {
  const wide = verifyLease(KEY, mint(), facts());
  const narrow = verifyLease(KEY, narrowLease(mint(), ['scopes', ['gmail:read:list']]), facts());
  t.equal(noWider(narrow, wide), true);
  t.equal(noWider(wide, narrow), false);
  const limited = verifyLease(KEY, narrowLease(mint(), ['constraints', { folders: ['a'], maxResults: 1 }]), facts());
  t.equal(noWider(wide, limited), false);
});

t.test('LEASE-5 narrowLease appends exactly the chained caveat, and refuses what does not narrow', async (t) => {
  t.equal(narrowLease(mint(), ['expires', NOW_MS + 9]), appendJson(mint(), ['expires', NOW_MS + 9]));
  const refusals: Caveat[] = [
    ['scopes', ['drive:read']],
    ['scopes', ['gmail:write']],
    ['scopes', ['calendar:read']],
    ['scopes', ['gmail']],
    ['expires', NOW_MS + 3_600_001],
    ['budget', { calls: 0 }],
    ['budget', { bytes: 0 }],
    ['constraints', {}],
    ['constraints', { maxRisk: 1001 }],
    ['constraints', { maxRisk: 0.5 }],
  ];
  for (const item of refusals)
    t.equal(
      codeOf(() => narrowLease(mint(), item)),
      'PARAMS_INVALID',
      JSON.stringify(item),
    );
  const folders = Array.from({ length: 40 }, (_, index) => `${String(index).padStart(2, '0')}${'x'.repeat(200)}`);
  t.equal(
    codeOf(() => narrowLease(mint(), ['constraints', { folders }])),
    'PARAMS_INVALID',
    'longer than 8 KiB',
  );
  t.equal(
    codeOf(() => narrowLease('al1.e30', ['expires', 1])),
    'LEASE_INVALID',
  );
});

const chain = (added: readonly Caveat[]): string => added.reduce((lease, item) => appendJson(lease, item as never), mint());
const isRefused = (lease: string): boolean => codeOf(() => verifyLease(KEY, lease, facts())) === 'LEASE_INVALID';

t.test('LEASE-4 every changed character is refused', async (t) => {
  const lease = chain([
    ['scopes', ['gmail:read:list']],
    ['budget', { calls: 3 }],
  ]);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ ';
  const survivors: number[] = [];
  for (let at = 0; at < lease.length; at += 1)
    for (const other of [
      alphabet.charAt(at % alphabet.length),
      alphabet.charAt((at * 7 + 3) % alphabet.length),
      String.fromCharCode(lease.charCodeAt(at) ^ 1),
    ])
      if (other !== lease.charAt(at) && !isRefused(lease.slice(0, at) + other + lease.slice(at + 1))) survivors.push(at);
  t.same(survivors, []);
  t.equal(isRefused(lease), false, 'control: unchanged it verifies');
});

t.test('LEASE-4 caveats removed, reordered, doubled or put in before the end are refused', async (t) => {
  fc.assert(
    fc.property(caveats, fc.nat(), fc.nat(), caveat, (added, one, two, extra) => {
      const parts = chain(added).split('.');
      const [from, to] = [2 + (one % added.length), 2 + (two % added.length)];
      const inserted = Buffer.from(JSON.stringify(extra)).toString('base64url');
      const removed = parts.toSpliced(from, 1);
      const swapped = parts.with(from, parts[to] ?? '').with(to, parts[from] ?? '');
      const put = parts.toSpliced(from, 0, inserted);
      const doubled = parts.toSpliced(from, 0, parts[from] ?? '');
      for (const forged of [removed, put, doubled, ...(parts[from] === parts[to] ? [] : [swapped])])
        if (!isRefused(forged.join('.'))) throw new Error(forged.join('.'));
    }),
    RUNS,
  );
  t.pass();
});
