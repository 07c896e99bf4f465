/**
 * What becomes of an event before it leaves the cell: as a result is treated (seal.ts), all or nothing.
 *
 * EXCHANGE-5  masked, withheld and made visible as a result is; what scores above the lease's `maxRisk` does not leave.
 */
import { neutraliseValue, redactValue, scoreValue, type Mask } from '@airlock/guard';
import { EXCHANGE_LIMITS, type Json } from '@airlock/protocol';
import { IDENTIFIERS } from './seal.js';

export interface EventSeal {
  readonly mask: Mask;
  /** One-time codes and sign-in links are withheld. */
  readonly codes: boolean;
  readonly isRiskAllowed: (risk: number) => boolean;
}

export interface SealedEvent {
  readonly params: Json;
  readonly risk: number;
  /** Of the JSON. */
  readonly bytes: number;
}

/** Not more levels of arrays and objects than that. */
export const isShallow = (value: unknown, levels: number): boolean => {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((member) => isShallow(member, levels - 1));
};

/** JSON and nothing else, and not too much of it; null for what is none. */
const plain = (params: unknown): Json | null => {
  const { maxEventBytes, maxEventDepth } = EXCHANGE_LIMITS;
  if (typeof params !== 'object' || params === null || Array.isArray(params)) return null;
  try {
    if (!isShallow(params, maxEventDepth)) return null;
    const text = JSON.stringify(params);
    return text.length > maxEventBytes ? null : (JSON.parse(text) as Json);
  } catch {
    return null;
  }
};

/** @returns why it does not leave, or what does */
export const sealEvent = (params: unknown, { mask, codes, isRiskAllowed }: EventSeal): SealedEvent | 'limit' | 'risk' => {
  const read = plain(params);
  if (read === null) return 'limit';
  const others = redactValue(mask(read).value, { codes, links: !codes, identifiers: IDENTIFIERS });
  const { score } = scoreValue(others.value);
  if (!isRiskAllowed(score)) return 'risk';
  const sealed = mask(neutraliseValue(others.value)).value;
  const bytes = Buffer.byteLength(JSON.stringify(sealed));
  return bytes > EXCHANGE_LIMITS.maxEventBytes ? 'limit' : { params: sealed, risk: score, bytes };
};
