/** Answer of `head.sign`: countersigns the gateway's log, or locks everything (BRIDGE-5). */
import type { Head } from '@airlock/audit';
import { AirlockError, asAirlockError } from '@airlock/protocol';
import { GATEWAY_LOG, decideNextHead } from '../heads/heads.js';
import { lockOperator } from '../operators/deny.js';
import type { House } from '../operators/house.js';

export interface HeadSignParams {
  readonly size: number;
  readonly digests: readonly string[];
  /** The hash that the gateway's own log has at `size`. */
  readonly hash?: string;
}

/** Why operators are locked by what a log says. */
export const MISMATCH = 'audit mismatch';

/** An alert that cannot be kept seals: nobody would be told. @returns whether it is to be recorded @throws AirlockError VAULT_UNREADABLE */
export const raiseAlert = (house: House, problem: string): boolean => {
  try {
    return house.alert.raise(problem, house.clock.wallMs());
  } catch (thrown) {
    house.seal(asAirlockError(thrown));
    throw thrown;
  }
};

/** BRIDGE-6: recorded, kept, locked, told. */
const alarm = (house: House, last: Head, { size, digests, hash }: HeadSignParams, why: string): void => {
  const problem = `the log of ${GATEWAY_LOG} is not the one that was signed: ${why}`;
  if (raiseAlert(house, problem))
    house.journal.record('audit_mismatch', {
      ...{ log: GATEWAY_LOG, signed: last.size, signedHash: last.hash, claimed: size, claimedHash: hash },
      digests: digests.length,
    });
  for (const desk of house.desks.values()) if (desk.isEnrolled) lockOperator(desk, MISMATCH);
};

const decide = (house: House, params: HeadSignParams): Head => {
  const last = house.heads.last(GATEWAY_LOG);
  const decided = decideNextHead(last, params);
  if ('hash' in decided) return decided;
  alarm(house, last, params, decided.problem);
  throw new AirlockError('AUDIT_UNAVAILABLE', `the log does not continue the signed head: ${decided.problem}`, {
    hint: 'airlock-ctl audit verify says where; keep the files of both logs',
  });
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
