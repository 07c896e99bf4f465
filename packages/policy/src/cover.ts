/**
 * Whether one rule holds wherever another does, read from what is written alone.
 *
 * COVER-1  `covers(wide, narrow)` is true only if every call that the narrow rule matches is matched by the wide one, at every
 *          time and with every count; where that cannot be read from the text it is false.
 */
import { freesWrites, isNamed } from './compile.js';
import type { PolicyRule, TimeWindow } from './rule.js';

/** A rule with its policy: what it counts by. */
export interface NamedRule {
  /** `policy/rule`. */
  readonly name: string;
  readonly rule: PolicyRule;
}

type List = readonly string[] | undefined;

const listCovers = (wide: List, narrow: List): boolean =>
  wide === undefined || wide.includes('*') || (narrow !== undefined && narrow.every((one) => wide.includes(one)));

const factCovers = (wide: boolean | undefined, narrow: boolean | undefined): boolean => wide === undefined || wide === narrow;

const formsOf = ({ windows = [] }: PolicyRule): readonly string[] =>
  windows.map((window: TimeWindow) => JSON.stringify(Object.entries(window).sort(([a], [b]) => (a < b ? -1 : 1))));

/** A rule without windows holds always; outside fewer windows is more time, inside fewer is less. */
const timeCovers = (wide: PolicyRule, narrow: PolicyRule): boolean => {
  const [ofWide, ofNarrow] = [formsOf(wide), formsOf(narrow)];
  if (ofWide.length === 0) return true;
  const isOutside = wide.outsideWindows === true;
  if (ofNarrow.length === 0 || isOutside !== (narrow.outsideWindows === true)) return false;
  return isOutside ? ofWide.every((one) => ofNarrow.includes(one)) : ofNarrow.every((one) => ofWide.includes(one));
};

/** Each rule counts by its own name, so the counts of two rules say nothing about each other. */
const rateCovers = (wide: NamedRule, narrow: NamedRule): boolean => {
  const [own, other] = [wide.rule.rate, narrow.rule.rate];
  if (own === undefined) return true;
  if (other === undefined || wide.name !== narrow.name) return false;
  return own.per === other.per && own.perS === other.perS && own.calls <= other.calls;
};

const mayMatchWrites = (rule: PolicyRule): boolean =>
  (rule.classes ?? ['write']).includes('write') && (rule.decision !== 'allow' || isNamed(rule));

/** POLICY-6, and arguments that are not known yet: an allow then counts as not met. */
const verdictCovers = (wide: PolicyRule, narrow: PolicyRule): boolean => {
  if (wide.decision !== 'allow') return true;
  if (mayMatchWrites(narrow) && !isNamed(wide)) return false;
  return narrow.decision === 'allow' || (wide.when ?? []).length === 0;
};

/** COVER-1. */
export const covers = (wide: NamedRule, narrow: NamedRule): boolean => {
  const [a, b] = [wide.rule, narrow.rule];
  const conditions = b.when ?? [];
  return (
    listCovers(a.services, b.services) &&
    listCovers(a.operations, b.operations) &&
    listCovers(a.classes, b.classes) &&
    factCovers(a.outward, b.outward) &&
    factCovers(a.untrusted, b.untrusted) &&
    (a.when ?? []).every((one) => conditions.includes(one)) &&
    timeCovers(a, b) &&
    rateCovers(wide, narrow) &&
    verdictCovers(a, b)
  );
};

const STRICTNESS = { deny: 2, approval: 1, allow: 0 } as const;

/** Whether the verdict and the limit of risk of the old rule stand, wherever it matched: one of the new rules sees to each. */
export const isKept = (old: NamedRule, fresh: readonly NamedRule[]): boolean => {
  const { decision, maxRisk } = old.rule;
  const covering = fresh.filter((one) => covers(one, old));
  const verdict = decision === 'allow' || covering.some(({ rule }) => STRICTNESS[rule.decision] >= STRICTNESS[decision]);
  return verdict && (maxRisk === undefined || covering.some(({ rule }) => (rule.maxRisk ?? 1) <= maxRisk));
};

/** Whether the new rule lets nothing happen that an old one did not: only an allow that frees writes can. */
export const allowsNothingNew = (fresh: NamedRule, old: readonly NamedRule[]): boolean =>
  !freesWrites(fresh.rule) || old.some((one) => one.rule.decision === 'allow' && covers(one, fresh));
