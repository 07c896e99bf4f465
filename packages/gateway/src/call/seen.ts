/**
 * What the gateway can see of a call's constraints, checked by it although the cell checks them too (docs/spec/lease.md).
 *
 * SEEN-1  a folder that is named must be one of the lease's.
 * SEEN-3  a result whose risk score is above what policy allows does not leave.
 * SEEN-2  an answer with more items than the lease allows does not leave.
 * SEEN-3  a result with a risk score above the lease's does not leave.
 * SEEN-4  a message that is shown (`from` with an `address`) is of a sender and domain of the lease.
 */
import type { LeaseConstraints } from '@airlock/lease';
import {
  AirlockError,
  isRiskAllowed,
  type CellResult,
  type Json,
  type Params,
  type Constraints,
  intersectConstraints,
  riskThousandths,
} from '@airlock/protocol';

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

/** Senders of all messages in a result, in lower case; empty where a message names none. */
const shownSenders = (result: Json): readonly string[] => {
  const senders: string[] = [];
  const left: Json[] = [result];
  for (let value = left.pop(); value !== undefined; value = left.pop()) {
    if (typeof value !== 'object' || value === null) continue;
    const { id, from } = value as Readonly<Record<string, Json>>;
    const address = typeof from === 'object' && from !== null ? (from as Readonly<Record<string, Json>>)['address'] : null;
    if (typeof address === 'string') senders.push(address.toLowerCase());
    else if (typeof id === 'string' && from === null) senders.push('');
    left.push(...Object.values(value as Readonly<Record<string, Json>>));
  }
  return senders;
};

/** @throws AirlockError CONSTRAINT (SEEN-4) */
export const checkSenders = ({ senders, domains }: LeaseConstraints, result: Json): void => {
  if (senders === undefined && domains === undefined) return;
  const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1);
  const isAllowed = (one: string): boolean => senders?.includes(one) !== false && domains?.includes(domainOf(one)) !== false;
  if (!shownSenders(result).every(isAllowed))
    throw new AirlockError('CONSTRAINT', 'the answer has a message of a sender that the lease does not reach');
};

/** What the cell is asked to keep: the lease's constraints, and the lower of its and the policy's risk. @param maxRisk 0 to 1 */
export const constraintsFor = (constraints: Constraints, maxRisk: number | undefined): Constraints =>
  maxRisk === undefined ? constraints : intersectConstraints(constraints, { maxRisk: riskThousandths(maxRisk) });

const isAllowedRisk = (constraints: LeaseConstraints, risk: number): boolean => isRiskAllowed({ ...constraints }, risk);

/** What a result shows of the constraints. What a write did is told in any case. @throws AirlockError CONSTRAINT, RISK_TOO_HIGH */
export const checkAnswer = (constraints: LeaseConstraints, { count, risk, result }: CellResult, isWrite: boolean): void => {
  if (isWrite) return;
  checkCount(constraints, count);
  checkSenders(constraints, result);
  if (!isAllowedRisk(constraints, risk))
    throw new AirlockError('RISK_TOO_HIGH', 'the result scores above what the lease allows, and is withheld');
};

/** SEEN-3. @param maxRisk 0 to 1. @throws AirlockError RISK_TOO_HIGH */
export const checkRisk = (maxRisk = 1, risk: number): void => {
  if (risk <= maxRisk) return;
  throw new AirlockError('RISK_TOO_HIGH', 'the result scores above what a policy allows, and is withheld', {
    expected: `a risk of at most ${maxRisk}`,
    found: String(risk),
  });
};
