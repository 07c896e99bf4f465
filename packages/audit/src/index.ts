/** The hash-chained log: append, verify, query. docs/spec/audit.md is its format. */
export type * from './types.js';
export { Chain, EMPTY_HEAD, lineDigest } from './chain.js';
export { decideHead, type HeadClaim } from './decide-head.js';
export { firstRecord } from './first-record.js';
export type { KeptHead } from './head-check.js';
export * from './limits.js';
export { openLog } from './log.js';
export { nodeFs, type FileStat, type LogFs } from './log-fs.js';
export {
  encodePublicKey,
  generateHeadKey,
  parsePrivateKey,
  parsePublicKey,
  type HeadSigner,
  type HeadVerifier,
} from './note-key.js';
export { parseRecord, query, type QueryFilter, type QueryOptions } from './query.js';
export { boundText } from './record.js';
export { decideOldest, findPrunable, removeSegment, type PruneOptions } from './prune.js';
export { prunedIn, type Pruned } from './pruned.js';
export { RefusalFolder, type FoldedRefusal } from './refusal-folder.js';
export { DEFAULT_QUOTA, RoleQuota, decideQuota, type QuotaLimits, type QuotaState } from './role-quota.js';
export { partsOfNote, pemOfKey, signText, type NoteParts } from './signed-text.js';
export { namesKey, parseSignedHead, signHead, verifySignedHead } from './signed-head.js';
export { readSegments, verifyLog, type VerifyOptions } from './verify.js';
