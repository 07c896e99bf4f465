/** Which grant is meant, and whether one covers what is about to be asked. */
import { AirlockError, parseScope, scopeCovers, type AgentGrant, type ClaimResult } from '@airlock/protocol';
import { accessClaim } from './calls/access-claim.js';
import { accessStatus } from './calls/access-status.js';
import type { Caller } from './calls/caller.js';

export interface Claimed extends ClaimResult {
  /** Id of the grant that was claimed. */
  readonly grant: string;
}

const noneGranted = (): AirlockError =>
  new AirlockError('NOT_FOUND', 'the operator has granted this role nothing that waits to be claimed', {
    hint: 'ask for access: access.request',
  });

const severalGranted = (grants: readonly AgentGrant[]): AirlockError => {
  const expected = grants.map(({ id, scopes }) => `${id} (${scopes.join(' ')})`).join(', ');
  return new AirlockError('PARAMS_INVALID', `several grants can be claimed: ${expected}`, {
    field: 'grant',
    expected: grants.map(({ id }) => id).join(', '),
    found: 'nothing',
    hint: 'name one of them',
  });
};

const onlyGrant = (grants: readonly AgentGrant[]): string => {
  const [first, ...more] = grants;
  if (first === undefined) throw noneGranted();
  if (more.length > 0) throw severalGranted(grants);
  return first.id;
};

/** Without an id the only grant there is. @throws AirlockError NOT_FOUND, PARAMS_INVALID where there are several. */
export const claimGrant = async (caller: Caller, wanted?: string): Promise<Claimed> => {
  const grant = wanted ?? onlyGrant((await accessStatus(caller)).grants);
  return { grant, ...(await accessClaim(caller, grant)) };
};

/** The first grant that gives all of the scopes, and is bound to no other intent; null where none does. */
export const coveringGrant = (
  grants: readonly AgentGrant[],
  scopes: readonly string[],
  intent: string | undefined,
): AgentGrant | null => {
  const asked = scopes.map(parseScope);
  const covers = (grant: AgentGrant): boolean =>
    asked.every((scope) => grant.scopes.some((given) => scopeCovers(parseScope(given), scope)));
  const fits = ({ intent: bound }: AgentGrant): boolean => bound === undefined || bound === intent;
  return (asked.length === 0 ? undefined : grants.find((grant) => fits(grant) && covers(grant))) ?? null;
};
