/**
 * Whether one rule set allows more than another. Sound, not complete: where it says `wider: false`, no call of any role is
 * decided more freely; where it says `wider: true`, it may still be none.
 *
 * COMPARE-1  not wider: for every role each deny, approval and limit of risk in force before stands where it stood (cover.ts), no
 *            rule frees a write that was not free, no identity rule and no blocked command is gone, and the configuration allows
 *            no further class.
 */
import { policiesOf } from './compile.js';
import { allowsNothingNew, isKept, type NamedRule } from './cover.js';
import type { Policy, PolicyRule, RuleSet } from './rule.js';

export interface Comparison {
  readonly wider: boolean;
  /** One line each, for the human; what widens first. */
  readonly changes: readonly string[];
}

const EVERY = '*';
/** Pairs of rules that are looked at for a role; beyond that a change counts as wider. */
const MAX_PAIRS = 4_000_000;

/** The rule in one form, so that two of the same content are equal; its reason decides nothing. */
const formOf = (rule: PolicyRule): string =>
  JSON.stringify(Object.entries({ ...rule, reason: undefined }).sort(([a], [b]) => (a < b ? -1 : 1)));

interface RuleOf extends NamedRule {
  readonly form: string;
}

const rulesOf = (policies: readonly Policy[]): RuleOf[] =>
  policies.flatMap(({ id, rules }) =>
    rules.map((rule) => {
      const name = `${id}/${rule.id}`;
      return { name, form: `${name} ${formOf(rule)}`, rule };
    }),
  );

interface Change {
  readonly isWider: boolean;
  readonly text: string;
}

const forRole = (role: string): string => (role === EVERY ? 'every role' : `role ${role}`);

const NAMES_OF_RULE: readonly string[] = ['id', 'decision', 'reason'];

/** What the rule is about, as it is written: whoever approves has to see what its name stands for. */
const about = (rule: PolicyRule): string => {
  const members = Object.entries(rule).filter(([key]) => !NAMES_OF_RULE.includes(key));
  return members.length === 0 ? 'every call' : JSON.stringify(Object.fromEntries(members));
};

const without = (rules: readonly RuleOf[], others: readonly RuleOf[]): RuleOf[] => {
  const forms = new Set(others.map(({ form }) => form));
  return rules.filter(({ form }) => !forms.has(form));
};

const reasonChanges = (role: string, old: readonly RuleOf[], fresh: readonly RuleOf[]): Change[] => {
  const reasons = new Map(old.map(({ form, rule }) => [form, rule.reason]));
  return fresh
    .filter(({ form, rule }) => reasons.has(form) && reasons.get(form) !== rule.reason)
    .map(({ name }) => ({ isWider: false, text: `${forRole(role)}: another reason for ${name}` }));
};

const ruleChanges = (role: string, before: readonly Policy[], after: readonly Policy[]): Change[] => {
  const [old, fresh] = [rulesOf(before), rulesOf(after)];
  const [gone, added] = [without(old, fresh), without(fresh, old)];
  const isTooMuch = gone.length * fresh.length + added.length * old.length > MAX_PAIRS;
  const change = (sign: string, { name, rule }: RuleOf, isWider: boolean): Change => ({
    isWider,
    text: `${forRole(role)}: ${sign} ${rule.decision} ${name} ${about(rule)}`,
  });
  return [
    ...gone.map((one) => change('-', one, isTooMuch || !isKept(one, fresh))),
    ...added.map((one) => change('+', one, isTooMuch || !allowsNothingNew(one, old))),
    ...reasonChanges(role, old, fresh),
  ];
};

const identityChanges = (role: string, before: readonly Policy[], after: readonly Policy[]): Change[] => {
  const needs = (policies: readonly Policy[]): boolean => policies.some(({ requireIdentity }) => requireIdentity === true);
  if (needs(before) === needs(after)) return [];
  return [{ isWider: needs(before), text: `${forRole(role)}: ${needs(after) ? '+' : '-'} agents have to say who they are` }];
};

/** A blocked command that is gone counts wherever it stood, attached or not: what runs commands reads it by itself. */
const commandChanges = (before: RuleSet, after: RuleSet): Change[] => {
  const commandsOf = ({ policies }: RuleSet): Set<string> =>
    new Set(
      policies
        .filter(({ status }) => status === 'active')
        .flatMap(({ id, blocked_commands }) => blocked_commands.map((one) => `${id}: ${one}`)),
    );
  const [old, fresh] = [commandsOf(before), commandsOf(after)];
  return [
    ...[...old].filter((one) => !fresh.has(one)).map((one) => ({ isWider: true, text: `- blocked command ${one}` })),
    ...[...fresh].filter((one) => !old.has(one)).map((one) => ({ isWider: false, text: `+ blocked command ${one}` })),
  ];
};

const classChanges = ({ permissions: before }: RuleSet, { permissions: after }: RuleSet): Change[] => [
  ...after.allow
    .filter((one) => !before.allow.includes(one))
    .map((one) => ({ isWider: true, text: `+ class ${one} may be asked for` })),
  ...before.allow
    .filter((one) => !after.allow.includes(one))
    .map((one) => ({ isWider: false, text: `- class ${one} may be asked for` })),
];

/** `EVERY` stands for a role that nobody attached anything to. */
const rolesOf = (...sets: readonly RuleSet[]): string[] =>
  [...new Set([EVERY, ...sets.flatMap(({ attachments }) => Object.keys(attachments))])].sort();

/** Pure. What is compared is each decision by itself, with the counters as they stand. */
export const compareRuleSets = (before: RuleSet, after: RuleSet): Comparison => {
  const ofRoles = rolesOf(before, after).flatMap((role) => {
    const [old, fresh] = [policiesOf(before, role), policiesOf(after, role)];
    return [...ruleChanges(role, old, fresh), ...identityChanges(role, old, fresh)];
  });
  const changes = [...classChanges(before, after), ...commandChanges(before, after), ...ofRoles];
  const sorted = [...changes.filter(({ isWider }) => isWider), ...changes.filter(({ isWider }) => !isWider)];
  return { wider: changes.some(({ isWider }) => isWider), changes: sorted.map(({ text }) => text) };
};
