/** `--constraint key=value`: what narrows a lease by the arguments of its operations (docs/spec/lease.md). */
import { AirlockError, ENFORCED_CONSTRAINTS, type Constraints } from '@airlock/client';

export { parseConstraints } from '@airlock/protocol';

/** LEASE-8: a limit that nobody enforces is no limit. @throws AirlockError CONSTRAINT with what is allowed */
export const checkEnforced = (constraints: Constraints): void => {
  const stray = Object.keys(constraints).find((key) => !ENFORCED_CONSTRAINTS.includes(key));
  if (stray === undefined) return;
  throw new AirlockError('CONSTRAINT', 'nothing enforces this constraint, so a lease narrowed by it allows no call', {
    field: `--constraint ${stray}`,
    expected: ENFORCED_CONSTRAINTS.join(', '),
    found: stray,
    hint: 'narrow by --scope, --ttl or --calls',
  });
};
