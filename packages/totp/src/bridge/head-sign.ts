/** Answer of `head.sign`: countersigns the gateway's log, or locks everything (BRIDGE-5). */
import type { Head } from '@airlock/audit';
import { GATEWAY_LOG, decideNextHead } from '../heads/heads.js';
import { lockOperator } from '../operators/deny.js';
import type { House } from '../operators/house.js';

export interface HeadSignParams {
  readonly size: number;
  readonly digests: readonly string[];
}

const decide = (house: House, { size, digests }: HeadSignParams): Head => {
  const last = house.heads.last(GATEWAY_LOG);
  try {
    return decideNextHead(last, size, digests);
  } catch (thrown) {
    house.journal.record('audit_mismatch', { log: GATEWAY_LOG, signed: last.size, claimed: size, digests: digests.length });
    for (const desk of house.desks.values()) lockOperator(desk, 'audit mismatch');
    throw thrown;
  }
};

/** @throws AirlockError AUDIT_UNAVAILABLE */
export const signGatewayHead = (house: House, params: HeadSignParams): { readonly head: string } => {
  const head = decide(house, params);
  const before = house.heads.last(GATEWAY_LOG);
  const note = house.heads.sign(GATEWAY_LOG, head);
  if (head.size > before.size)
    house.journal.record('checkpoint', { origin: GATEWAY_LOG, size: head.size, hash: head.hash, note });
  return { head: note };
};
