/** `--constraint key=value`: what narrows a lease by the arguments of its operations (docs/spec/lease.md). */
import { AirlockError, type Constraints, type Json } from '@airlock/client';

/** Keys whose value is a list; commas separate, and the key may be given again. */
const LISTS: ReadonlySet<string> = new Set(['folders', 'domains', 'senders']);
const PAIR = /^([A-Za-z][A-Za-z0-9_]{0,63})=(.+)$/s;

const scalar = (text: string): Json => (/^[0-9]{1,9}$/.test(text) ? Number(text) : text);

/** What something enforces for a narrowed lease: the calls by the gateway, the others by the operations that declare them. */
const ENFORCED = ['calls', 'folders', 'maxResults'] as const;

/** LEASE-8: a limit that nobody enforces is no limit. @throws AirlockError CONSTRAINT with what is allowed */
export const checkEnforced = (constraints: Constraints): void => {
  const stray = Object.keys(constraints).find((key) => !ENFORCED.some((one) => one === key));
  if (stray === undefined) return;
  throw new AirlockError('CONSTRAINT', 'nothing enforces this constraint, so a lease narrowed by it allows no call', {
    field: `--constraint ${stray}`,
    expected: ENFORCED.join(', '),
    found: stray,
    hint: 'narrow by --scope, --ttl or --calls',
  });
};

/** @throws AirlockError PARAMS_INVALID for what is no `key=value`; which keys there are is the gateway's to say. */
export const parseConstraints = (pairs: readonly string[]): Constraints => {
  const constraints = new Map<string, Json>();
  for (const pair of pairs) {
    const [, key, value] = PAIR.exec(pair) ?? [];
    if (key === undefined || value === undefined) {
      throw new AirlockError('PARAMS_INVALID', '--constraint: expected key=value', {
        field: '--constraint',
        expected: 'key=value',
        hint: 'write for example: --constraint folders=INBOX,Archive',
      });
    }
    const before = constraints.get(key);
    constraints.set(
      key,
      LISTS.has(key) ? [...(Array.isArray(before) ? (before as Json[]) : []), ...value.split(',')] : scalar(value),
    );
  }
  return Object.fromEntries(constraints);
};
