/**
 * The rules in force: kept in the gateway's own state, so that nothing widens without a code.
 *
 * RULES-1  a changed set applies whole or not at all; where a file is broken, what was in force stays in force.
 * RULES-2  what is not wider applies at once; what is wider waits until an operator approved exactly that set.
 * RULES-3  what is in force is on disk before it decides anything, so a kill leaves the old set or the new one.
 * RULES-4  the first start takes what the files say: before it nothing was in force that could be widened.
 * RULES-5  the lines that were shown with the code are those of the set that waits, or it does not apply.
 */
import { compareRuleSets, compileRules, digestOfRules, parseRuleSet, type CompiledRules, type RuleSet } from '@airlock/policy';
import {
  AirlockError,
  asAirlockError,
  parseJsonStrict,
  shownChanges,
  type CompiledConfig,
  type PolicyReload,
  type PolicyStatus,
} from '@airlock/protocol';
import { GATEWAY_LIMITS } from '../limits.js';
import { readPrivateFile, writeDurable } from '../state/files.js';

/** What may be done where there are no rules to go by: nothing. */
const NOTHING: RuleSet = { permissions: { default: 'read', allow: [] }, policies: [], attachments: {} };

interface Staged {
  readonly set: RuleSet;
  readonly digest: string;
  readonly changes: readonly string[];
}

/** What a code was given for: the digest of a set, and the lines that were shown. */
export type ApprovedRules = Pick<Staged, 'digest' | 'changes'>;

const isSame = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((line, index) => line === other[index]);

type Read = { readonly set: RuleSet; readonly problem: null } | { readonly set: null; readonly problem: string };

/** As it is kept. */
const textOf = (set: RuleSet): string => `${JSON.stringify({ v: 1, digest: digestOfRules(set), set })}\n`;

/** What could be kept and not be read back is no set. @throws AirlockError CONFIG_INVALID */
const checkSize = (set: RuleSet): RuleSet => {
  const bytes = Buffer.byteLength(textOf(set));
  const { maxStateFileBytes } = GATEWAY_LIMITS;
  if (bytes <= maxStateFileBytes) return set;
  throw new AirlockError('CONFIG_INVALID', `the policies: found ${bytes} bytes, allowed: ${maxStateFileBytes} in all`);
};

const readConfigured = ({ permissions, rules }: CompiledConfig): Read => {
  if (rules.problem !== undefined) return { set: null, problem: rules.problem };
  const { policies, attachments } = rules;
  try {
    return { set: checkSize(parseRuleSet({ permissions, policies, attachments })), problem: null };
  } catch (thrown) {
    return { set: null, problem: asAirlockError(thrown).message };
  }
};

/** @throws AirlockError VAULT_UNREADABLE */
const readKept = (path: string): RuleSet | null => {
  const text = readPrivateFile(path);
  if (text === null) return null;
  try {
    const { set, digest } = parseJsonStrict(Buffer.from(text)) as { set: Parameters<typeof parseRuleSet>[0]; digest: string };
    const parsed = parseRuleSet(set);
    if (digestOfRules(parsed) === digest) return parsed;
  } catch {
    // Falls through: whatever is wrong with it, it is not what we wrote.
  }
  throw new AirlockError('VAULT_UNREADABLE', `${path} is damaged`, {
    hint: `as root, look at ${path}; moved away, the next start takes the rules of /etc/airlock as they stand`,
  });
};

export class RulesInForce {
  readonly #path: string | null;
  #compiled: CompiledRules;
  #digest: string;
  #staged: Staged | null = null;
  #problem: string | null = null;

  /** @throws AirlockError VAULT_UNREADABLE; CONFIG_INVALID where nothing was ever in force and the files are broken */
  constructor(path: string | null, config: CompiledConfig) {
    this.#path = path;
    this.#compiled = compileRules(NOTHING);
    this.#digest = digestOfRules(NOTHING);
    if (path === null) return;
    const kept = readKept(path);
    if (kept === null) this.#begin(config);
    else {
      this.#use(kept);
      this.reload(config);
    }
  }

  get compiled(): CompiledRules {
    return this.#compiled;
  }

  status(): PolicyStatus {
    const { permissions, policies, attachments } = this.#compiled.set;
    const staged = this.#staged === null ? null : { digest: this.#staged.digest, changes: this.#staged.changes };
    return {
      ...{ digest: this.#digest, permissions, attachments, staged, problem: this.#problem },
      policies: policies as unknown as PolicyStatus['policies'],
    };
  }

  /** The set that waits, compiled; null where none does. */
  staged(): CompiledRules | null {
    return this.#staged === null ? null : compileRules(this.#staged.set);
  }

  /** RULES-1, RULES-2. @throws Error of the system where it cannot be written; the old set stands then */
  reload(config: CompiledConfig): PolicyReload {
    const { set, problem } = readConfigured(config);
    this.#problem = problem;
    if (set === null) return { ...this.status(), outcome: 'kept', changes: [] };
    const digest = digestOfRules(set);
    this.#staged = null;
    if (digest === this.#digest) return { ...this.status(), outcome: 'unchanged', changes: [] };
    const { wider, changes } = compareRuleSets(this.#compiled.set, set);
    if (wider) this.#staged = { set, digest, changes };
    else this.#keep(set);
    return { ...this.status(), outcome: wider ? 'staged' : 'applied', changes };
  }

  /** RULES-2, RULES-5. @throws AirlockError NOT_FOUND where another set or none waits, or its changes were not shown */
  check({ digest, changes }: ApprovedRules): Staged {
    const staged = this.#staged;
    if (staged?.digest === digest && isSame(shownChanges(staged.changes), changes)) return staged;
    throw new AirlockError('NOT_FOUND', 'the rules that were approved are not those that wait', {
      hint: 'the files changed meanwhile; run again: airlock-ctl policy apply',
    });
  }

  /** @throws AirlockError as `check`; Error of the system where it cannot be written: the old set stands then */
  apply(approved: ApprovedRules): PolicyReload {
    const { set, changes } = this.check(approved);
    this.#keep(set);
    this.#staged = null;
    return { ...this.status(), outcome: 'applied', changes };
  }

  /** RULES-4. */
  #begin(config: CompiledConfig): void {
    const { set, problem } = readConfigured(config);
    if (set === null) throw new AirlockError('CONFIG_INVALID', problem);
    this.#keep(set);
  }

  /** RULES-3. */
  #keep(set: RuleSet): void {
    if (this.#path !== null) writeDurable(this.#path, textOf(set));
    this.#use(set);
  }

  #use(set: RuleSet): void {
    this.#compiled = compileRules(set);
    this.#digest = digestOfRules(set);
  }
}
