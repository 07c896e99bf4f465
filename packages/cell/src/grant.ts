/**
 * What the release allows, enforced here a second time after the gateway.
 *
 * RELEASE-8   The cell enforces scopes and deadline of the grant itself.
 * RELEASE-11  A trial's cell does `test` and nothing else.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  AirlockError,
  intersectConstraints,
  isIntersectable,
  isRiskAllowed,
  operationDigest,
  parseScope,
  scopeCovers,
  type CellExecuteParams,
  type Clock,
  type ConnectorManifest,
  type Json,
  type OperationManifest,
  type ReleaseLimits,
} from '@airlock/protocol';

/** @throws AirlockError LEASE_EXPIRED at or after the deadline on either clock. */
export const checkDeadline = (limits: ReleaseLimits, clock: Clock): void => {
  if (clock.wallMs() >= limits.deadlineWallMs || clock.bootMs() >= limits.deadlineBootMs)
    throw new AirlockError('LEASE_EXPIRED', 'the lease has ended');
};

/** @throws AirlockError OPERATION_UNKNOWN */
export const findOperation = (manifest: ConnectorManifest, name: string): OperationManifest => {
  const operation = manifest.operations.find((candidate) => candidate.name === name);
  if (operation !== undefined) return operation;
  const expected = manifest.operations.map((candidate) => candidate.name).join(', ');
  throw new AirlockError('OPERATION_UNKNOWN', `${manifest.kind} has no operation ${name}`, {
    field: 'params.operation',
    expected,
    found: name,
  });
};

/**
 * OPERATION-6, UNATTENDED-3: what writes runs by an approval of its own, or where the approved lease names it, whatever the
 * gateway asks for.
 * @throws AirlockError POLICY_DENIED
 */
export const checkWrite = ({ approved, unattended = [] }: ReleaseLimits, operation: OperationManifest): void => {
  if (operation.class !== 'write' || approved !== undefined || unattended.includes(operation.name)) return;
  throw new AirlockError('POLICY_DENIED', `${operation.name} writes, and this release has no approval of that operation`);
};

/** RELEASE-11. @throws AirlockError LEASE_SCOPE */
export const checkNoTrial = ({ trial }: ReleaseLimits): void => {
  if (trial) throw new AirlockError('LEASE_SCOPE', 'a trial may test the login and nothing else');
};

/** @throws AirlockError LEASE_SCOPE */
export const checkScope = (limits: ReleaseLimits, operation: OperationManifest): void => {
  checkNoTrial(limits);
  const needed = { service: limits.service, class: operation.class, operation: operation.name };
  if (limits.scopes.some((scope) => scopeCovers(parseScope(scope), needed))) return;
  const expected = `${needed.service}:${needed.class}:${needed.operation}`;
  throw new AirlockError('LEASE_SCOPE', 'no scope of the lease covers this operation', {
    expected,
    found: limits.scopes.join(' '),
  });
};

/**
 * What those of the grant and those the gateway adds (caveats) allow together. Where they differ in a key of which no
 * intersection is known, the call is refused.
 * @throws AirlockError CONSTRAINT
 */
export const joinConstraints = (
  limits: ReleaseLimits,
  added: CellExecuteParams['constraints'] = {},
): Readonly<Record<string, Json>> => {
  const differing = Object.keys(added).find((name) => {
    if (isIntersectable(name)) return false;
    const [granted, asked] = [limits.constraints[name], added[name]];
    return granted !== undefined && asked !== undefined && !isDeepStrictEqual(granted, asked);
  });
  if (differing === undefined) return intersectConstraints(limits.constraints, added);
  throw new AirlockError('CONSTRAINT', 'a constraint differs from the one that was approved', {
    field: `params.constraints.${differing.slice(0, 80)}`,
  });
};

/** Enforced by the cell itself, for every operation. */
const OWN: ReadonlySet<string> = new Set(['maxRisk']);

/**
 * Fail closed: a constraint that the operation does not enforce would be a promise nobody keeps.
 * @throws AirlockError CONSTRAINT naming the constraint and those that are enforced
 */
export const checkConstraints = (operation: OperationManifest, constraints: Readonly<Record<string, Json>>): void => {
  const enforced = operation.constraints ?? [];
  const stray = Object.keys(constraints).find((name) => !enforced.includes(name) && !OWN.has(name));
  if (stray === undefined) return;
  throw new AirlockError('CONSTRAINT', `${operation.name} cannot be held to this constraint of the lease`, {
    field: `params.constraints.${stray.slice(0, 80)}`,
    expected: enforced.length === 0 ? 'no constraint' : enforced.join(', '),
    found: stray.slice(0, 80),
    hint: 'ask for a lease without this constraint, or narrow it by scope, time and number of calls',
  });
};

/**
 * What scores above the lease's `maxRisk` is withheld. What was written is told in any case.
 * @param risk 0 to 1
 * @throws AirlockError RISK_TOO_HIGH
 */
export const checkRisk = (operation: OperationManifest, constraints: Readonly<Record<string, Json>>, risk: number): void => {
  if (operation.class === 'write' || isRiskAllowed(constraints, risk)) return;
  throw new AirlockError('RISK_TOO_HIGH', 'the result scores above what the lease allows, and is withheld');
};

const digestOfCall = (service: string, { operation, params }: CellExecuteParams): string | null => {
  try {
    return operationDigest({ operation, params, service });
  } catch {
    return null;
  }
};

/**
 * OPERATION-6: a release for one operation runs that one, once, with the parameters and the class that were shown.
 * @throws AirlockError POLICY_DENIED
 */
export const checkApproved = (
  { approved, service }: ReleaseLimits,
  operation: OperationManifest,
  params: CellExecuteParams,
  isUsed: boolean,
): void => {
  if (approved === undefined) return;
  if (isUsed) throw new AirlockError('POLICY_DENIED', 'the approved operation ran already', { request: approved.request });
  const isShown = approved.operation === params.operation && approved.class === operation.class;
  if (isShown && approved.digest === digestOfCall(service, params)) return;
  throw new AirlockError('POLICY_DENIED', 'this is not the operation that was approved', { request: approved.request });
};
