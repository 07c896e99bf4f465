// RULES-2, RULES-3, RULES-4: over any sequence of changed files, restarts and approvals nothing is decided more freely without an approval.
import { decideCall, type CompiledRules, type Decision } from '@airlock/policy';
import { DEFAULT_CONFIG, shownChanges, type CompiledConfig, type Json, type ScopeClass } from '@airlock/protocol';
import fc from 'fast-check';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { RulesInForce } from '../src/rules/in-force.js';

const rule = fc.record(
  {
    id: fc.constantFrom('r1', 'r2'),
    decision: fc.constantFrom('allow', 'approval', 'deny'),
    operations: fc.constantFrom(['send'], ['s*'], ['*'], ['list']),
    classes: fc.constantFrom(['read'], ['write'], ['read', 'write']),
    when: fc.constantFrom(['to exists'], ['to missing']),
  },
  { requiredKeys: ['id', 'decision'] },
);
const policyOf = (id: string): fc.Arbitrary<Readonly<Record<string, Json>>> =>
  fc
    .record({
      status: fc.constantFrom('active', 'active', 'disabled'),
      requireIdentity: fc.constantFrom(false, false, true),
      rules: fc.uniqueArray(rule, { maxLength: 2, selector: (one) => one.id }),
    })
    .map((more) => ({ id, name: id, description: 'd', blocked_commands: [], ...more }));
const ids = fc.subarray(['a', 'b']);
const files: fc.Arbitrary<CompiledConfig> = fc
  .record({
    policies: fc.tuple(policyOf('a'), policyOf('b')),
    every: ids,
    own: ids,
    allow: fc.subarray<'use' | 'write'>(['use', 'write']),
    isBroken: fc.constantFrom(false, false, false, true),
  })
  .map(({ policies, every, own, allow, isBroken }) => ({
    ...DEFAULT_CONFIG,
    permissions: { default: 'read' as const, allow },
    rules: { policies, attachments: { '*': every, default: own }, ...(isBroken ? { problem: 'a.json:1:1: broken' } : {}) },
  }));
const step = fc.oneof(
  files.map((config) => ({ kind: 'reload' as const, config })),
  files.map((config) => ({ kind: 'restart' as const, config })),
  fc.constant({ kind: 'apply' as const }),
  fc.constant({ kind: 'apply-another' as const }),
);

const RANK = { deny: 0, approval: 1, allow: 2 } as const;
const OPERATIONS = [
  ['list', 'read'],
  ['send', 'write'],
  ['delete', 'write'],
  ['press', 'use'],
] as const satisfies readonly (readonly [string, ScopeClass])[];

/** Every call of a small world: how freely each is decided. */
const freedoms = (rules: CompiledRules): Decision['decision'][] =>
  ['default', 'other', 'operator'].flatMap((role) =>
    OPERATIONS.flatMap(([name, kind]) =>
      [null, 'x'].flatMap((client) =>
        [{}, { to: 'ada' }].map(
          (params) =>
            decideCall({
              ...{ service: 'mail', operation: { name, class: kind, outward: false, untrusted: false }, rules, role, client },
              scopes: [[{ service: 'mail', class: kind, operation: null }]],
              ...{ params, nowMs: 0, rateCount: () => 0, tainted: false },
            }).decision,
        ),
      ),
    ),
  );
const isFreer = (before: CompiledRules, after: CompiledRules): boolean => {
  const old = freedoms(before);
  return freedoms(after).some((one, index) => RANK[one] > RANK[old[index] ?? 'allow']);
};

t.test('only an approval of exactly what waits makes anything freer', (t) => {
  const path = join(t.testdir({}), 'rules.json');
  let applied = 0;
  fc.assert(
    fc.property(files, fc.array(step, { minLength: 2, maxLength: 8 }), (first, steps) => {
      rmSync(path, { force: true });
      if (first.rules.problem !== undefined) return true;
      let rules = new RulesInForce(path, first);
      for (const one of steps) {
        const before = rules.compiled;
        const { digest, staged } = rules.status();
        if (one.kind === 'restart') rules = new RulesInForce(path, one.config);
        else if (one.kind === 'reload') rules.reload(one.config);
        else if (one.kind === 'apply' && staged !== null) {
          rules.apply({ digest: staged.digest, changes: shownChanges(staged.changes) });
          if (rules.status().digest !== staged.digest) return false;
          applied += 1;
          continue;
        } else {
          try {
            rules.apply({ digest, changes: [] });
            return false;
          } catch {
            // As it has to be: nothing waits under this digest.
          }
        }
        if (isFreer(before, rules.compiled)) return false;
      }
      return true;
    }),
    { numRuns: 300 },
  );
  t.ok(applied > 20, `${applied} approvals`);
  t.end();
});

t.test('negative control: what is freer is seen', (t) => {
  const dir = t.testdir({});
  const withRules = (name: string, rules: readonly Readonly<Record<string, Json>>[]): CompiledRules =>
    new RulesInForce(join(dir, name), {
      ...DEFAULT_CONFIG,
      rules: {
        policies: [{ id: 'a', name: 'a', description: 'd', status: 'active', blocked_commands: [], rules }],
        attachments: { '*': ['a'] },
      },
    }).compiled;
  const [denies, asks, none] = [
    withRules('1', [{ id: 'r', decision: 'deny' }]),
    withRules('2', [{ id: 'r', decision: 'approval' }]),
    withRules('3', []),
  ];
  t.same([isFreer(denies, asks), isFreer(asks, none), isFreer(none, denies), isFreer(asks, asks)], [true, true, false, false]);
  t.end();
});
