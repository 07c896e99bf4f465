/** One lease and its facts, for every test of this package, and what error a function throws. */
import { createHmac } from 'node:crypto';
import { AirlockError, canonicalJson, type Json } from '@airlock/protocol';
import { deriveLeaseKey, type LeaseFacts, type LeasePayload, mintLease } from '../src/index.js';

export const BOOT_ID = '0123456789abcdef0123456789abcdef';
export const ROOT = Buffer.alloc(32, 7);
export const { kid: KID, key: KEY } = deriveLeaseKey(ROOT, BOOT_ID, 0);
export const NOW_MS = 1_800_000_000_000;

export const payload = (change: Partial<LeasePayload> = {}): LeasePayload => ({
  v: 1,
  id: Buffer.alloc(16, 1).toString('base64url'),
  kid: KID,
  role: 'default',
  session: 'c2Vzc2lvbi0x',
  intent: null,
  scopes: ['calendar:read:list_events', 'gmail:read'],
  constraints: {},
  issuedMs: NOW_MS,
  expiresMs: NOW_MS + 3_600_000,
  bootDeadlineMs: 4_600_000,
  bootId: BOOT_ID,
  budget: null,
  ...change,
});

export const facts = (change: Partial<LeaseFacts> = {}): LeaseFacts => ({
  nowMs: NOW_MS + 1,
  bootMs: 1_000_001,
  bootId: BOOT_ID,
  role: 'default',
  session: 'c2Vzc2lvbi0x',
  intentHash: null,
  ...change,
});

export const mint = (change: Partial<LeasePayload> = {}): string => mintLease(KEY, payload(change));

/** Code of the AirlockError thrown, or null where nothing is; anything else thrown is thrown on. */
export const codeOf = (action: () => unknown): string | null => {
  try {
    action();
    return null;
  } catch (thrown) {
    if (thrown instanceof AirlockError) return thrown.code;
    throw thrown;
  }
};

const b64 = (text: string | Buffer): string => Buffer.from(text).toString('base64url');
const mac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** What a holder with code of its own can append: any text at all, rightly chained. */
export const append = (lease: string, part: string): string => {
  const cut = lease.lastIndexOf('.');
  const tag = mac(Buffer.from(lease.slice(cut + 1), 'base64url'), part);
  return `${lease.slice(0, cut)}.${part}.${b64(tag)}`;
};
/** The same with any JSON. */
export const appendJson = (lease: string, caveat: Json): string => append(lease, b64(canonicalJson(caveat)));
/** What a minter with a defect could sign: any payload text, under the right key. */
export const signText = (text: string): string => `al1.${b64(text)}.${b64(mac(KEY, b64(text)))}`;
