/**
 * What the gateway can see of a call's constraints, checked by it although the cell checks them too (docs/spec/lease.md).
 *
 * SEEN-1  a folder that is named must be one of the lease's.
 * SEEN-2  an answer with more items than the lease allows does not leave.
 * SEEN-3  a result with a risk score above the lease's does not leave.
 */
import type { LeaseConstraints } from '@airlock/lease';
import { AirlockError, isRiskAllowed, type CellResult, type Params } from '@airlock/protocol';

/** @throws AirlockError CONSTRAINT (SEEN-1) */
export const checkSeen = ({ folders }: LeaseConstraints, { folder }: Params): void => {
  if (folders === undefined || typeof folder !== 'string' || folders.includes(folder)) return;
  throw new AirlockError('CONSTRAINT', 'the lease does not reach this folder', { field: 'params.folder' });
};

/** @throws AirlockError CONSTRAINT (SEEN-2) */
export const checkCount = ({ maxResults = Infinity }: LeaseConstraints, count: number): void => {
  if (count <= maxResults) return;
  throw new AirlockError('CONSTRAINT', 'the answer has more items than the lease allows', { expected: `at most ${maxResults}` });
};

const isAllowedRisk = (constraints: LeaseConstraints, risk: number): boolean => isRiskAllowed({ ...constraints }, risk);

/** What a result shows of the constraints. What a write did is told in any case. @throws AirlockError CONSTRAINT, RISK_TOO_HIGH */
export const checkAnswer = (constraints: LeaseConstraints, { count, risk }: CellResult, isWrite: boolean): void => {
  if (isWrite) return;
  checkCount(constraints, count);
  if (!isAllowedRisk(constraints, risk))
    throw new AirlockError('RISK_TOO_HIGH', 'the result scores above what the lease allows, and is withheld');
};
