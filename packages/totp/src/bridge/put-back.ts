/** Answer to a `hello` that shows this daemon a head which it signed and has forgotten: its state is an older one (BRIDGE-8). */
import type { SignedHead } from '@airlock/audit';
import type { HeldHead } from '@airlock/protocol';
import { GATEWAY_LOG, TOTP_LOG } from '../heads/heads.js';
import { forgottenHead } from '../heads/put-back.js';
import { TOTP_LIMITS } from '../limits.js';
import { lockOperator, revokeLeases } from '../operators/deny.js';
import type { Desk } from '../operators/desk.js';
import type { House } from '../operators/house.js';
import { MISMATCH } from './head-sign.js';

/** Once a process, or as often as the alert allows. */
const record = (house: House, head: SignedHead, isFirst: boolean): void => {
  const { size, hash } = house.heads.last(GATEWAY_LOG);
  const problem = `airlock-totp was put back to an older state: it knows of ${size} signed records of ${GATEWAY_LOG}, and has signed ${head.size}`;
  const isDue = house.alert.raise(problem, house.clock.wallMs());
  if (isDue || isFirst)
    house.journal.record('audit_mismatch', {
      ...{ log: TOTP_LOG, signed: size, signedHash: hash, claimed: head.size, claimedHash: head.hash },
    });
};

/** Whatever ended since may live in it again, and whatever code was used may count again. */
const endAll = (desk: Desk): void => {
  const floorStep = Math.max(desk.state.floorStep, desk.now().step + TOTP_LIMITS.floorSteps);
  desk.commit({ ...desk.state, floorStep });
  revokeLeases(desk, { all: true });
  lockOperator(desk, MISMATCH);
};

/** @returns what is to be done with what each hello tells. */
export const putBackWatch = (house: House): ((held: HeldHead) => void) => {
  const recorded = new Set<number>();
  return (held) => {
    const head = forgottenHead(house.heads, held);
    if (head === null) return;
    record(house, head, !recorded.has(head.size));
    recorded.add(head.size);
    for (const desk of house.desks.values()) endAll(desk);
  };
};
