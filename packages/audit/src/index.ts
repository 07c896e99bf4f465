/** The hash-chained log: append, verify, query. */
import type { AuditLog, AuditRecord, Head, LogOptions, SegmentSource, SignedHead, VerifyResult } from './types.js';
export type * from './types.js';
export { Chain, EMPTY_HEAD, lineDigest } from './chain.js';
export { nodeFs } from './log-fs.js';
export type { FileStat, LogFs } from './log-fs.js';
export declare const openLog: (options: LogOptions) => AuditLog;
export interface HeadSigner { readonly name: string; readonly keyId: string; readonly publicKey: string }
export declare const generateHeadKey: (name: string) => { privateKey: string; publicKey: string };
export declare const parsePrivateKey: (text: string) => HeadSigner;
export declare const signHead: (signer: HeadSigner, head: { origin: string; size: number; hash: string }) => string;
export declare const parseSignedHead: (note: string) => SignedHead;
export declare const verifySignedHead: (publicKeys: string | readonly string[], note: string) => SignedHead;
export interface HeadClaim extends Head { readonly digests: readonly Uint8Array[] }
export declare const decideHead: (last: Head, claim: HeadClaim) => Head;
export interface VerifyOptions { readonly dir?: string; readonly segments?: AsyncIterable<SegmentSource>; readonly origin?: string; readonly heads?: readonly string[]; readonly publicKeys?: readonly string[] }
export declare const verifyLog: (options: VerifyOptions) => Promise<VerifyResult>;
export interface QueryFilter { readonly service?: string; readonly event?: string; readonly sinceMs?: number; readonly untilMs?: number; readonly last?: number }
export declare const query: (options: { dir: string; filter?: QueryFilter } | { lines: AsyncIterable<string>; filter?: QueryFilter }) => AsyncIterable<AuditRecord>;
