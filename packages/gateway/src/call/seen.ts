/**
 * What the gateway can see of a call's constraints, checked by it although the cell checks them too (docs/spec/lease.md).
 *
 * SEEN-1  a folder that is named must be one of the lease's.
 * SEEN-2  an answer with more items than the lease allows does not leave.
 */
import type { LeaseConstraints } from '@airlock/lease';
import { AirlockError, type Params } from '@airlock/protocol';

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
