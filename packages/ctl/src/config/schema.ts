/** Every key that airlock.yaml may hold, with what is allowed there: one table for checking and messages. */
import type { CompiledConfig } from '@airlock/protocol';

export interface Key {
  /** What a person reads when the value is wrong. */
  readonly allowed: string;
  readonly accepts: (value: unknown) => boolean;
}

const integer = (minimum: number, maximum: number): Key => ({
  allowed: `a whole number from ${minimum} to ${maximum}`,
  accepts: (value) => typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum,
});
const oneOf = (...values: readonly (string | number)[]): Key => ({
  allowed: values.join(' or '),
  accepts: (value) => values.includes(value as string | number),
});
const text = (maxLength: number): Key => ({
  allowed: `a text of 1 to ${maxLength} characters without control characters or colon`,
  accepts: (value) => typeof value === 'string' && value.length >= 1 && value.length <= maxLength && !/[\p{C}:]/u.test(value),
});
const value: Key = { allowed: 'a text', accepts: (found) => typeof found === 'string' && found.length <= 1024 };

/** Section → key → what it may be. Unknown sections and keys are errors. */
export const KEYS: Readonly<Record<string, Readonly<Record<string, Key>>>> = {
  totp: { issuer: text(64), digits: oneOf(6, 7, 8), period: integer(15, 120) },
  leases: { default_ttl_minutes: integer(1, 480), max_ttl_minutes: integer(1, 480), request_ttl_minutes: integer(1, 10) },
  permissions: { default: oneOf('read') },
  notifications: {
    provider: oneOf('telegram', 'signal', 'ntfy', 'matrix', 'none'),
    chat_id: value,
    server: value,
    topic: value,
    room: value,
  },
  audit: { retain_days: integer(1, 36_500), group_commit_ms: integer(1, 1000) },
};

type Sections = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const number = (sections: Sections, section: string, key: string, otherwise: number): number => {
  const found = sections[section]?.[key];
  return typeof found === 'number' ? found : otherwise;
};

/** The checked sections over the defaults. Everything in `sections` has passed KEYS. */
export const merge = (base: CompiledConfig, sections: Sections): CompiledConfig => ({
  ...base,
  totp: {
    issuer: typeof sections['totp']?.['issuer'] === 'string' ? sections['totp']['issuer'] : base.totp.issuer,
    digits: number(sections, 'totp', 'digits', base.totp.digits) as 6 | 7 | 8,
    periodS: number(sections, 'totp', 'period', base.totp.periodS),
  },
  leases: {
    defaultTtlS: number(sections, 'leases', 'default_ttl_minutes', base.leases.defaultTtlS / 60) * 60,
    maxTtlS: number(sections, 'leases', 'max_ttl_minutes', base.leases.maxTtlS / 60) * 60,
    requestTtlS: number(sections, 'leases', 'request_ttl_minutes', base.leases.requestTtlS / 60) * 60,
  },
  notifications: (sections['notifications'] as Readonly<Record<string, string>> | undefined) ?? base.notifications,
  audit: {
    retainDays: number(sections, 'audit', 'retain_days', base.audit.retainDays),
    groupCommitMs: number(sections, 'audit', 'group_commit_ms', base.audit.groupCommitMs),
  },
});
