/** The slow, obvious reference decision, which shares nothing with the engine but the types. */
import type { Json, Params, Scope } from '@airlock/protocol';
import type { CallQuestion, Decision, PolicyRule, RuleSet } from '../src/index.js';

const texts = new Map<string, RegExp>();
const globText = (pattern: string): RegExp => {
  const known = texts.get(pattern) ?? regularExpression(pattern);
  texts.set(pattern, known);
  return known;
};
const regularExpression = (pattern: string): RegExp =>
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

/** All but the rate. */
const isAbout = (rule: PolicyRule, call: CallQuestion): boolean => {
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
  return true;
};

interface Found {
  readonly policy: string;
  readonly rule: PolicyRule;
}

/** What a rule with a rate counts by, as docs/spec/policy.md has it. */
const keyOf = ({ policy, rule }: Found, { role, service, operation }: CallQuestion): string => {
  const words = [`${policy}/${rule.id}`, role];
  if (rule.rate?.per !== 'role') words.push(service);
  if (rule.rate?.per === 'operation') words.push(operation.name);
  return words.join(' ');
};

const isExceeded = (found: Found, call: CallQuestion): boolean => {
  const { rate } = found.rule;
  return rate === undefined || call.rateCount(keyOf(found, call), rate.perS) >= rate.calls;
};

type Answer = Omit<Decision, 'rateKeys'> & { readonly rateKeys: readonly string[] };
const answer = (decision: Decision['decision'], policy: string, rule: string): Answer => ({
  decision,
  policy,
  rule,
  rateKeys: [],
});

const first = (found: readonly Found[], decision: string): Found | undefined =>
  found
    .filter(({ rule }) => rule.decision === decision)
    .sort((a, b) => (`${a.policy} ${a.rule.id}` < `${b.policy} ${b.rule.id}` ? -1 : 1))[0];

const verdict = (matching: readonly Found[], { operation, tainted, wasFrozen = false }: CallQuestion): Answer => {
  const said = ({ policy, rule }: Found): Answer => ({
    ...answer(rule.decision, policy, rule.id),
    ...(rule.reason === undefined ? {} : { reason: rule.reason }),
    ...(rule.rate === undefined ? {} : { retryAfterMs: rule.rate.perS * 1000 }),
  });
  const denied = first(matching, 'deny');
  if (denied !== undefined) return said(denied);
  const asked = first(matching, 'approval');
  if (asked !== undefined) return said(asked);
  const allowed = first(matching, 'allow');
  if (allowed === undefined && operation.class === 'write') return answer('approval', 'configuration', 'write-approval');
  const free = allowed === undefined ? answer('allow', 'lease', 'lease-scope') : said(allowed);
  const isStepUp = operation.outward || operation.class === 'write';
  if (isStepUp && tainted) return { ...free, decision: 'approval', policy: 'taint', rule: 'step-up' };
  return isStepUp && wasFrozen ? { ...free, decision: 'approval', policy: 'presence', rule: 'step-up' } : free;
};

/** Obvious and slow: one plain question after the other, over the rules as they are written. */
export const referenceDecision = (set: RuleSet, call: CallQuestion): Answer => {
  const { operation, service, role } = call;
  if (operation.class !== 'read' && !set.permissions.allow.includes(operation.class))
    return answer('deny', 'configuration', 'configuration-read-only');
  const covers = (scope: Scope): boolean =>
    scope.service === service &&
    scope.class === operation.class &&
    (scope.operation === null || scope.operation === operation.name);
  if (call.scopes.length === 0 || call.scopes.some((list) => !list.some(covers))) return answer('deny', 'lease', 'no-scope');
  const attached = [...(set.attachments[role] ?? []), ...(set.attachments['*'] ?? [])];
  const policies = set.policies.filter(({ id, status }) => status === 'active' && attached.includes(id));
  const about = policies
    .flatMap(({ id, rules }) => rules.map((rule) => ({ policy: id, rule })))
    .filter(({ rule }) => isAbout(rule, call));
  const rateKeys = about.filter(({ rule }) => rule.rate !== undefined).map((one) => keyOf(one, call));
  const [wanting] = policies
    .filter(({ requireIdentity }) => requireIdentity === true)
    .map(({ id }) => id)
    .sort();
  if (call.client === null && wanting !== undefined) return { ...answer('deny', wanting, 'identity'), rateKeys };
  const matching = about.filter((one) => isExceeded(one, call));
  const risks = matching.flatMap(({ rule: { maxRisk } }) => (maxRisk === undefined ? [] : [maxRisk]));
  return { ...verdict(matching, call), ...(risks.length === 0 ? {} : { maxRisk: Math.min(...risks) }), rateKeys };
};

/** What two answers are compared by: everything but the words for the agent without an identity. */
export const said = (
  { decision, policy, rule, reason, maxRisk, retryAfterMs }: Answer | Decision,
  keys: readonly string[],
): string =>
  [
    decision,
    policy,
    rule,
    rule === 'identity' ? '' : reason,
    maxRisk,
    retryAfterMs,
    keys.length > 1 ? keys.toSorted().join('|') : keys[0],
  ].join('|');
