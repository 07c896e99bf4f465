/** Mint, narrow and verify leases. docs/spec/lease.md */
export { BudgetLedger, type BudgetSnapshot, type BudgetUse } from './budget.js';
export { type Caveat } from './caveat.js';
export { MAX_CAVEATS, MAX_LEASE_CHARS } from './chain.js';
export { canonicalConstraints, type LeaseConstraints, mergeConstraints } from './constraints.js';
export {
  boundedEarlier,
  decodeEarlier,
  type EarlierKey,
  encodeEarlier,
  type LeaseKeys,
  MAX_EARLIER_KEYS,
  MAX_EARLIER_LEASES,
  openWithKeys,
} from './earlier.js';
export { type EffectiveLease } from './effective.js';
export { asLeaseKey, deriveLeaseKey, LEASE_KEY_BYTES, type LeaseKey } from './key.js';
export { mintLease, narrowLease, newLeaseId, type ParsedLease, parseLease } from './lease.js';
export { type LeaseBudgetLimits, type LeasePayload } from './payload.js';
export {
  checkLease,
  checkScope,
  type LeaseBudget,
  type LeaseFacts,
  openLease,
  type SignedLease,
  type VerifiedLease,
  verifyLease,
} from './verify.js';
