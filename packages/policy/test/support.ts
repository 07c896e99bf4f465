/** Generated rule sets and calls, the same for the same seed. */
import type { Json, Params, Scope, ScopeClass } from '@airlock/protocol';
import type { CallQuestion, Permissions, Policy, PolicyRule, RuleSet } from '../src/index.js';

/** A small generator with a seed (mulberry32), so that a million calls are the same on every machine. */
export const randomFrom = (seed: number): ((below: number) => number) => {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
};
type Random = ReturnType<typeof randomFrom>;

const pick = <T>(random: Random, values: readonly T[]): T => values[random(values.length)] as T;
const maybe = (random: Random, percent: number): boolean => random(100) < percent;

export const SERVICES = ['mail', 'calendar', 'shop'] as const;
const NAMES = ['list', 'get', 'send', 'save_draft', 'pay', 'list_all'] as const;
export const ROLES = ['default', 'other', 'ops'] as const;
const CLASSES: readonly ScopeClass[] = ['read', 'use', 'write'];
const CONDITIONS = [
  'amount > 100',
  'amount <= 5',
  'repo in ["a","b"]',
  'folder matches "Archive/*"',
  'to exists',
  'to missing',
  'every to matches "*@a.org"',
  'amount != 3',
  'repo not in ["a"]',
  'deep.x = true',
];
const GLOBS = ['*', 'list*', 's?nd', 'pay', '*_*', 'nothing'];
export const MONDAY_NOON = Date.UTC(2026, 0, 5, 12);

export const randomRule = (random: Random, n: number): PolicyRule => {
  const decision = pick(random, ['allow', 'approval', 'deny'] as const);
  return {
    id: `r${n}`,
    decision,
    ...(maybe(random, 40) ? { services: [pick(random, [...SERVICES, 's*', '*'])] } : {}),
    ...(maybe(random, 50) ? { operations: [pick(random, GLOBS), pick(random, GLOBS)] } : {}),
    ...(maybe(random, 20) ? { classes: [pick(random, CLASSES)] } : {}),
    ...(maybe(random, 15) ? { outward: maybe(random, 50) } : {}),
    ...(maybe(random, 15) ? { untrusted: maybe(random, 50) } : {}),
    ...(maybe(random, 40) ? { when: [pick(random, CONDITIONS)] } : {}),
    ...(maybe(random, 15)
      ? {
          windows: [
            {
              days: ['mon', 'tue'] as const,
              from: '09:00',
              to: pick(random, ['17:00', '02:00']),
              zone: pick(random, ['UTC', 'Asia/Tokyo']),
            },
          ],
          ...(maybe(random, 50) ? { outsideWindows: true } : {}),
        }
      : {}),
    ...(decision !== 'allow' && maybe(random, 15)
      ? {
          rate: {
            calls: 1 + random(4),
            perS: pick(random, [60, 3600]),
            per: pick(random, ['role', 'service', 'operation'] as const),
          },
        }
      : {}),
    ...(maybe(random, 10) ? { maxRisk: random(10) / 10 } : {}),
    ...(maybe(random, 20) ? { reason: `because ${n}` } : {}),
  };
};

export const randomPolicy = (random: Random, n: number): Policy => ({
  ...{
    id: `p${n}`,
    name: `P${n}`,
    description: 'generated',
    status: maybe(random, 90) ? 'active' : 'disabled',
    blocked_commands: [],
  },
  rules: Array.from({ length: random(6) }, (_, at) => randomRule(random, at)),
  ...(maybe(random, 5) ? { requireIdentity: true } : {}),
});

/** The rule as if somebody had not written these keys. */
export const without = (rule: PolicyRule, ...keys: readonly (keyof PolicyRule)[]): PolicyRule =>
  Object.fromEntries(Object.entries(rule).filter(([key]) => !keys.includes(key as keyof PolicyRule))) as unknown as PolicyRule;

const subset = <T>(random: Random, values: readonly T[]): T[] => values.filter(() => maybe(random, 50));

export const randomSet = (random: Random): RuleSet => {
  const policies = Array.from({ length: 1 + random(4) }, (_, n) => randomPolicy(random, n));
  const ids = policies.map(({ id }) => id);
  const permissions: Permissions = { default: 'read', allow: subset(random, ['use', 'write'] as const) };
  return {
    permissions,
    policies,
    attachments: { default: subset(random, ids), other: subset(random, ids), '*': subset(random, ids) },
  };
};

const VALUES: readonly { readonly name: string; readonly percent: number; readonly values: readonly Json[] }[] = [
  { name: 'amount', percent: 50, values: [1, 3, 100, 101, '200', 99.5] },
  { name: 'repo', percent: 50, values: ['a', 'b', 'c', ['a', 'c'], null] },
  { name: 'folder', percent: 40, values: ['Archive/2020', 'Archive', 'INBOX'] },
  { name: 'to', percent: 40, values: [['x@a.org'], ['x@a.org', 'y@b.org'], [], 'x@a.org'] },
  { name: 'deep', percent: 30, values: [{ x: true }, { x: 1 }, [], 5] },
];

const randomParams = (random: Random): Params => {
  const params: Record<string, Json> = {};
  for (const { name, percent, values } of VALUES) if (maybe(random, percent)) params[name] = pick(random, values);
  return params;
};

const randomScope = (random: Random): Scope => ({
  service: pick(random, SERVICES),
  class: pick(random, CLASSES),
  operation: maybe(random, 50) ? null : pick(random, NAMES),
});

/** Another count for every key, so that an engine that counts under another one is seen. */
const countOf = (key: string, perS: number, seed: number): number => {
  let sum = seed + perS;
  for (let at = 0; at < key.length; at += 1) sum += key.charCodeAt(at) * (at + 1);
  return sum % 6;
};

/** A call whose operation is mostly covered by its scopes. Written plainly: a million are made. */
export const randomCall = (random: Random, rules: CallQuestion['rules']): CallQuestion => {
  const service = pick(random, SERVICES);
  const operation: CallQuestion['operation'] = {
    name: pick(random, NAMES),
    class: pick(random, CLASSES),
    outward: maybe(random, 30),
    untrusted: maybe(random, 30),
  };
  const own: Scope = { service, class: operation.class, operation: maybe(random, 50) ? null : operation.name };
  const list = maybe(random, 90) ? [own, randomScope(random)] : [randomScope(random)];
  const narrowed = maybe(random, 80) ? [own] : [randomScope(random)];
  const lists = maybe(random, 20) ? [list, narrowed] : [list];
  const seed = random(6);
  return {
    service,
    operation,
    scopes: maybe(random, 2) ? [] : lists,
    rules,
    role: pick(random, ROLES),
    params: maybe(random, 10) ? null : randomParams(random),
    client: maybe(random, 80) ? 'agent' : null,
    nowMs: MONDAY_NOON + random(7 * 24 * 60) * 60_000,
    rateCount: (key, perS) => countOf(key, perS, seed),
    tainted: maybe(random, 15),
    wasFrozen: maybe(random, 15),
  };
};
