/** `--constraint key=value`: what narrows a lease by the arguments of its operations (docs/spec/lease.md). */
import { AirlockError, type Constraints } from '@airlock/client';

export { parseConstraints } from '@airlock/protocol';

/** What something enforces for a narrowed lease: calls and bytes by the gateway, risk by the cell, the others by the operations that declare them. */
const ENFORCED = [
  'calls',
  'bytes',
  'folders',
  'senders',
  'domains',
  'calendars',
  'since',
  'before',
  'maxResults',
  'maxRisk',
] as const;

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
