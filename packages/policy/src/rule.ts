/** Policies as they are written, and what a decision says. docs/spec/policy.md */
import type { ScopeClass } from '@airlock/protocol';
import type { Permissions } from './facts.js';

export type Verdict = 'allow' | 'approval' | 'deny';

export interface TimeWindow {
  /** `mon` to `sun`; left out: every day. */
  readonly days?: readonly ('mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun')[];
  /** HH:MM. */
  readonly from?: string;
  readonly to?: string;
  /** IANA name. */
  readonly zone: string;
}

export interface RateLimit {
  readonly calls: number;
  readonly perS: number;
  readonly per: 'role' | 'service' | 'operation';
}

/** Everything that is there has to hold for the rule to match; what is left out holds always. */
export interface PolicyRule {
  readonly id: string;
  readonly decision: Verdict;
  /** Globs. */
  readonly services?: readonly string[];
  readonly operations?: readonly string[];
  readonly classes?: readonly ScopeClass[];
  readonly outward?: boolean;
  readonly untrusted?: boolean;
  /** Conditions on arguments (condition.ts); all have to hold. */
  readonly when?: readonly string[];
  /** One has to hold. */
  readonly windows?: readonly TimeWindow[];
  /** The rule matches outside its windows instead. */
  readonly outsideWindows?: boolean;
  /** The rule matches from the call that exceeds it. */
  readonly rate?: RateLimit;
  /** 0 to 1: a result whose risk is above it is withheld. */
  readonly maxRisk?: number;
  /** For the human and the agent. */
  readonly reason?: string;
}

export interface Policy {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly status: 'active' | 'disabled';
  readonly blocked_commands: readonly string[];
  readonly rules: readonly PolicyRule[];
  /** Nothing is allowed to an agent that has not said who it is (hello `client`). */
  readonly requireIdentity?: boolean;
  /** Where it was read. */
  readonly file?: string;
}

/** All that decides about the calls of every role. */
export interface RuleSet {
  readonly permissions: Permissions;
  readonly policies: readonly Policy[];
  /** Role name, or `*` for every role, to ids of policies. */
  readonly attachments: Readonly<Record<string, readonly string[]>>;
}

export interface Decision {
  readonly decision: Verdict;
  /** Id of the policy, or `configuration`, `lease`, `taint`, `presence`. */
  readonly policy: string;
  readonly rule: string;
  readonly reason?: string;
  readonly retryAfterMs?: number;
  /** 0 to 1; the least of the rules that match. */
  readonly maxRisk?: number;
  /** Counters that this call counts against (`rateCount`), whatever is decided. */
  readonly rateKeys: readonly { readonly key: string; readonly perS: number }[];
}
