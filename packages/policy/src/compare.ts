/**
 * Whether one rule set allows more than another. Sound, not complete: where it says `wider: false`, no call of any role is
 * decided more freely; where it says `wider: true`, it may still be none.
 *
 * COMPARE-1  not wider: every policy in force for a role before is so after with each deny and approval rule unchanged, no allow
 *            rule is new, no identity rule is gone, and the configuration allows no further class.
 */
import { policiesOf } from './compile.js';
import type { Policy, PolicyRule, RuleSet } from './rule.js';

export interface Comparison {
  readonly wider: boolean;
  /** One line each, for the human; what widens first. */
  readonly changes: readonly string[];
}

const EVERY = '*';

/** The rule in one form, so that two of the same content are equal. */
const formOf = (rule: PolicyRule): string => JSON.stringify(Object.entries(rule).sort(([a], [b]) => (a < b ? -1 : 1)));

interface RuleOf {
  readonly name: string;
  readonly form: string;
  readonly rule: PolicyRule;
}

const rulesOf = (policies: readonly Policy[]): RuleOf[] =>
  policies.flatMap(({ id, rules }) => rules.map((rule) => ({ name: `${id}/${rule.id}`, form: formOf(rule), rule })));

interface Change {
  readonly isWider: boolean;
  readonly text: string;
}

const forRole = (role: string): string => (role === EVERY ? 'every role' : `role ${role}`);

/** What a rule that is gone or new does: an allow that limits the risk also takes away. */
const goneIsWider = ({ decision, maxRisk }: PolicyRule): boolean => decision !== 'allow' || maxRisk !== undefined;
const newIsWider = ({ decision }: PolicyRule): boolean => decision === 'allow';

const ruleChanges = (role: string, before: readonly Policy[], after: readonly Policy[]): Change[] => {
  const [old, fresh] = [rulesOf(before), rulesOf(after)];
  const oldForms = new Set(old.map(({ form, name }) => `${name} ${form}`));
  const freshForms = new Set(fresh.map(({ form, name }) => `${name} ${form}`));
  const gone = old.filter(({ form, name }) => !freshForms.has(`${name} ${form}`));
  const added = fresh.filter(({ form, name }) => !oldForms.has(`${name} ${form}`));
  return [
    ...gone.map(({ name, rule }) => ({ isWider: goneIsWider(rule), text: `${forRole(role)}: - ${rule.decision} ${name}` })),
    ...added.map(({ name, rule }) => ({ isWider: newIsWider(rule), text: `${forRole(role)}: + ${rule.decision} ${name}` })),
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

export const compareRuleSets = (before: RuleSet, after: RuleSet): Comparison => {
  const ofRoles = rolesOf(before, after).flatMap((role) => {
    const [old, fresh] = [policiesOf(before, role), policiesOf(after, role)];
    return [...ruleChanges(role, old, fresh), ...identityChanges(role, old, fresh)];
  });
  const changes = [...classChanges(before, after), ...commandChanges(before, after), ...ofRoles];
  const sorted = [...changes.filter(({ isWider }) => isWider), ...changes.filter(({ isWider }) => !isWider)];
  return { wider: changes.some(({ isWider }) => isWider), changes: sorted.map(({ text }) => text) };
};
