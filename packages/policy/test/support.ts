/** Rule sets, calls and the slow, obvious reference decision, which shares nothing with the engine but the types. */
import type { Json, Params, Scope, ScopeClass } from '@airlock/protocol';
import type { CallQuestion, Decision, Permissions, Policy, PolicyRule, RuleSet } from '../src/index.js';

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
      ? { rate: { calls: 3, perS: 60, per: pick(random, ['role', 'service', 'operation'] as const) } }
      : {}),
    ...(maybe(random, 10) ? { maxRisk: random(10) / 10 } : {}),
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

const randomParams = (random: Random): Params => ({
  ...(maybe(random, 50) ? { amount: pick<Json>(random, [1, 3, 100, 101, '200', 99.5]) } : {}),
  ...(maybe(random, 50) ? { repo: pick<Json>(random, ['a', 'b', 'c', ['a', 'c'], null]) } : {}),
  ...(maybe(random, 40) ? { folder: pick<Json>(random, ['Archive/2020', 'Archive', 'INBOX']) } : {}),
  ...(maybe(random, 40) ? { to: pick<Json>(random, [['x@a.org'], ['x@a.org', 'y@b.org'], [], 'x@a.org']) } : {}),
  ...(maybe(random, 30) ? { deep: pick<Json>(random, [{ x: true }, { x: 1 }, [], 5]) } : {}),
});

const randomScope = (random: Random): Scope => ({
  service: pick(random, SERVICES),
  class: pick(random, CLASSES),
  operation: maybe(random, 50) ? null : pick(random, NAMES),
});

/** A call whose operation is mostly covered by its scopes. */
export const randomCall = (random: Random, rules: CallQuestion['rules']): CallQuestion => {
  const service = pick(random, SERVICES);
  const operation = {
    name: pick(random, NAMES),
    class: pick(random, CLASSES),
    outward: maybe(random, 30),
    untrusted: maybe(random, 30),
  };
  const own: Scope[] = maybe(random, 90)
    ? [{ service, class: operation.class, operation: maybe(random, 50) ? null : operation.name }]
    : [];
  const lists = [
    [...own, randomScope(random)],
    ...(maybe(random, 20) ? [[...(maybe(random, 80) ? own : []), randomScope(random)]] : []),
  ];
  const count = random(6);
  return {
    ...{
      service,
      operation,
      scopes: maybe(random, 2) ? [] : lists,
      rules,
      role: pick(random, ROLES),
      params: maybe(random, 10) ? null : randomParams(random),
    },
    client: maybe(random, 80) ? 'agent' : null,
    nowMs: MONDAY_NOON + random(7 * 24 * 60) * 60_000,
    rateCount: () => count,
    tainted: maybe(random, 15),
  };
};

// The reference: one plain question after the other, over the rules as they are written.

const globText = (pattern: string): RegExp =>
  new RegExp(
    `^${Array.from(pattern, (one) => (one === '*' ? '[^]*' : one === '?' ? '[^]' : one.replace(/[\\^$.|+()[\]{}]/, '\\$&'))).join('')}$`,
    'u',
  );
const globs = (patterns: readonly string[] | undefined, text: string): boolean =>
  patterns === undefined || patterns.some((one) => globText(one).test(text));

const valueOf = (params: Params, name: string): Json | undefined => {
  if (name !== 'deep.x') return params[name];
  const { deep } = params;
  return typeof deep === 'object' && deep !== null && !Array.isArray(deep)
    ? (deep as Readonly<Record<string, Json>>)['x']
    : undefined;
};

const anyItem = (value: Json | undefined, test: (one: Json) => boolean): boolean => {
  if (value === undefined) return false;
  return Array.isArray(value) ? (value as Json[]).some(test) : test(value);
};

/** Each condition of CONDITIONS, spelled out. */
const holdsReference = (condition: string, params: Params): boolean => {
  const at = (name: string): Json | undefined => valueOf(params, name);
  switch (condition) {
    case 'amount > 100':
      return anyItem(at('amount'), (one) => typeof one === 'number' && one > 100);
    case 'amount <= 5':
      return anyItem(at('amount'), (one) => typeof one === 'number' && one <= 5);
    case 'amount != 3':
      return anyItem(at('amount'), (one) => one !== 3);
    case 'repo in ["a","b"]':
      return anyItem(at('repo'), (one) => one === 'a' || one === 'b');
    case 'repo not in ["a"]':
      return anyItem(at('repo'), (one) => one !== 'a');
    case 'folder matches "Archive/*"':
      return anyItem(at('folder'), (one) => typeof one === 'string' && one.startsWith('Archive/'));
    case 'to exists':
      return at('to') !== undefined;
    case 'to missing':
      return at('to') === undefined;
    case 'deep.x = true':
      return anyItem(at('deep.x'), (one) => one === true);
    default: {
      const to = at('to');
      if (to === undefined) return false;
      const isOurs = (one: Json): boolean => typeof one === 'string' && one.endsWith('@a.org');
      return Array.isArray(to) ? to.length > 0 && (to as Json[]).every(isOurs) : isOurs(to);
    }
  }
};

/** Monday or Tuesday from nine to five, or to two in the night, in a zone without summer time. */
const inWindowReference = (to: string, zone: string, nowMs: number): boolean => {
  const local = new Date(nowMs + (zone === 'Asia/Tokyo' ? 9 * 3_600_000 : 0));
  const [day, hour] = [local.getUTCDay(), local.getUTCHours()];
  if (to === '17:00') return (day === 1 || day === 2) && hour >= 9 && hour < 17;
  return ((day === 1 || day === 2) && hour >= 9) || ((day === 2 || day === 3) && hour < 2);
};

const matchesReference = (rule: PolicyRule, call: CallQuestion): boolean => {
  const { operation, service, params, nowMs } = call;
  if (!globs(rule.services, service) || !globs(rule.operations, operation.name)) return false;
  if (rule.classes !== undefined && !rule.classes.includes(operation.class)) return false;
  if (rule.outward !== undefined && rule.outward !== operation.outward) return false;
  if (rule.untrusted !== undefined && rule.untrusted !== operation.untrusted) return false;
  if (rule.decision === 'allow' && operation.class === 'write') {
    const names = (list: readonly string[] | undefined): boolean =>
      list !== undefined && !list.some((one) => /^[*?]+$/.test(one));
    if (!names(rule.services) && !names(rule.operations)) return false;
  }
  for (const condition of rule.when ?? []) {
    if (params === null ? rule.decision === 'allow' : !holdsReference(condition, params)) return false;
  }
  if (rule.windows !== undefined) {
    const isIn = rule.windows.some(({ to = '', zone }) => inWindowReference(to, zone, nowMs));
    if (isIn === (rule.outsideWindows === true)) return false;
  }
  return rule.rate === undefined || call.rateCount('', 0) >= rule.rate.calls;
};

/** Obvious and slow. @returns verdict and the least risk of the rules that match */
export const referenceDecision = (set: RuleSet, call: CallQuestion): Pick<Decision, 'decision' | 'maxRisk'> => {
  const { operation, service, role } = call;
  if (operation.class !== 'read' && !set.permissions.allow.includes(operation.class)) return { decision: 'deny' };
  const covers = (scope: Scope): boolean =>
    scope.service === service &&
    scope.class === operation.class &&
    (scope.operation === null || scope.operation === operation.name);
  if (call.scopes.length === 0 || call.scopes.some((list) => !list.some(covers))) return { decision: 'deny' };
  const attached = [...(set.attachments[role] ?? []), ...(set.attachments['*'] ?? [])];
  const policies = set.policies.filter(({ id, status }) => status === 'active' && attached.includes(id));
  if (call.client === null && policies.some(({ requireIdentity }) => requireIdentity === true)) return { decision: 'deny' };
  const matching = policies.flatMap(({ rules }) => rules).filter((rule) => matchesReference(rule, call));
  const has = (decision: string): boolean => matching.some((rule) => rule.decision === decision);
  const risks = matching.flatMap(({ maxRisk }) => (maxRisk === undefined ? [] : [maxRisk]));
  const risk = risks.length === 0 ? {} : { maxRisk: Math.min(...risks) };
  if (has('deny')) return { decision: 'deny', ...risk };
  if (has('approval')) return { decision: 'approval', ...risk };
  const isAllowed = has('allow') || operation.class !== 'write';
  const isStepUp = call.tainted && (operation.outward || operation.class === 'write');
  return { decision: isAllowed && !isStepUp ? 'allow' : 'approval', ...risk };
};
