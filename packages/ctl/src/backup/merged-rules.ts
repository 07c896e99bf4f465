/**
 * What is in force on a machine, narrowed by other sets of rules: what a restore puts in force before anything of it may widen.
 *
 * MERGED-1  it is no wider than what is in force (COMPARE-1), so that the gateway takes it at once.
 * MERGED-2  whatever one of the sets denies, asks a code for or limits, for whichever role, so does it.
 * MERGED-3  it frees no write that one of the sets does not free.
 */
import { compareRuleSets, policiesOf, type Policy, type PolicyRule, type RuleSet } from '@airlock/policy';
import { canonicalWithFractions, type Json } from '@airlock/protocol';

const MAX_ID_CHARS = 64;

const NOTHING: RuleSet = { permissions: { default: 'read', allow: [] }, policies: [], attachments: {} };

const formOf = (value: Policy | PolicyRule): string => canonicalWithFractions(value as unknown as Json);

/** The same but for where it was read. */
const isSame = (one: Policy, other: Policy): boolean => formOf({ ...one, file: '' }) === formOf({ ...other, file: '' });

/** By what the gateway judges by. */
const freesWrites = (rule: PolicyRule): boolean => {
  const policy: Policy = { id: 'p', name: 'p', description: 'p', status: 'active', blocked_commands: [], rules: [rule] };
  return compareRuleSets(NOTHING, { ...NOTHING, policies: [policy], attachments: { '*': ['p'] } }).wider;
};

/** @param taken must not hold the name that is found */
const freeName = (wanted: string, suffix: string, taken: (name: string) => boolean): string => {
  const base = `${wanted.slice(0, MAX_ID_CHARS - suffix.length - 4)}${suffix}`;
  for (let n = 1; ; n += 1) {
    const name = n === 1 ? base : `${base}-${n}`;
    if (!taken(name)) return name;
  }
};

/** In place of a rule that frees writes: each of them needs a code, and what it says of the risk of results stands. */
const asksInstead = (policy: Policy, rule: PolicyRule): PolicyRule => {
  const id = freeName(rule.id, '-asks', (name) => policy.rules.some((one) => one.id === name));
  return { ...rule, id, decision: 'approval', classes: ['write'] };
};

/** Of another set: what is left of a rule that allows is no more than was free. */
const withoutFreed = (policy: Policy): Policy => ({
  ...policy,
  rules: policy.rules.flatMap((rule) => {
    if (!freesWrites(rule)) return [rule];
    if (rule.maxRisk === undefined) return [];
    const classes = (rule.classes ?? (['read', 'use'] as const)).filter((one) => one !== 'write');
    return [...(classes.length === 0 ? [] : [{ ...rule, classes }]), asksInstead(policy, rule)];
  }),
});

const isSameRule = (one: PolicyRule, other: PolicyRule): boolean => formOf({ ...one, id: '' }) === formOf({ ...other, id: '' });

/** As `withoutFreed` for what is in force, whose limits of risk have to stand as they are: a rule beside asks. */
const overruled = (policy: Policy): Policy => ({
  ...policy,
  rules: policy.rules.flatMap((rule) => {
    if (!freesWrites(rule)) return [rule];
    if (rule.maxRisk === undefined) return [];
    const asks = asksInstead(policy, rule);
    return policy.rules.some((one) => isSameRule(one, asks)) ? [rule] : [rule, asks];
  }),
});

const rolesWith = ({ attachments }: RuleSet, id: string): string[] =>
  Object.keys(attachments).filter((role) => attachments[role]?.includes(id));

const hasFor = (set: RuleSet, role: string, policy: Policy): boolean => policiesOf(set, role).some((one) => isSame(one, policy));

/** MERGED-3, of what is in force: only what every other set frees as well, for the same roles, stays free. */
const narrowedHere = (inForce: RuleSet, others: readonly RuleSet[]): RuleSet => ({
  ...inForce,
  policies: inForce.policies.map((policy) => {
    const isFreeing = policy.status === 'active' && policy.rules.some(freesWrites);
    const isShared = (): boolean =>
      rolesWith(inForce, policy.id).every((role) => others.every((other) => hasFor(other, role, policy)));
    return !isFreeing || isShared() ? policy : overruled(policy);
  }),
});

/** A set that grows. Two policies of one id and different content are both there, the later under a name of its own. */
class Growing {
  readonly #policies: Policy[];
  readonly #attachments: Map<string, string[]>;

  constructor({ policies, attachments }: RuleSet) {
    this.#policies = [...policies];
    this.#attachments = new Map(Object.entries(attachments).map(([role, ids]) => [role, [...ids]]));
  }

  attach(role: string, id: string): void {
    const ids = this.#attachments.get(role) ?? [];
    if (!ids.includes(id)) this.#attachments.set(role, [...ids, id]);
  }

  /** @returns the id it has here */
  add(policy: Policy): string {
    const found = this.#policies.find(
      (one) => (one.id === policy.id || one.id.includes('-of-backup')) && isSame({ ...one, id: policy.id }, policy),
    );
    if (found !== undefined) return found.id;
    const isTaken = (name: string): boolean => this.#policies.some(({ id }) => id === name);
    const id = isTaken(policy.id) ? freeName(policy.id, '-of-backup', isTaken) : policy.id;
    this.#policies.push({ ...policy, id });
    return id;
  }

  asSet(allow: RuleSet['permissions']['allow']): RuleSet {
    const attachments = Object.fromEntries(this.#attachments);
    return { permissions: { default: 'read', allow }, policies: this.#policies, attachments };
  }
}

/** MERGED-2 for one more set. What stands only for writes that it frees is taken where it was free for that role before. */
const narrowBy = (growing: Growing, here: RuleSet, other: RuleSet): void => {
  for (const policy of other.policies.filter(({ status }) => status === 'active')) {
    const roles = rolesWith(other, policy.id);
    const narrowed = policy.rules.some(freesWrites) ? withoutFreed(policy) : policy;
    for (const role of roles) growing.attach(role, growing.add(hasFor(here, role, policy) ? policy : narrowed));
    // COMMAND rules hold attached or not.
    if (roles.length === 0 && policy.blocked_commands.length > 0) growing.add(narrowed);
  }
};

/** Pure. @param others what was in force elsewhere, what files say */
export const mergeRules = (inForce: RuleSet, others: readonly RuleSet[]): RuleSet => {
  const here = narrowedHere(inForce, others);
  const growing = new Growing(here);
  for (const other of others) narrowBy(growing, here, other);
  const allow = inForce.permissions.allow.filter((one) => others.every(({ permissions }) => permissions.allow.includes(one)));
  return growing.asSet(allow);
};
