/** Answer to a `hello` that shows this daemon a head which it signed and has forgotten: its state is an older one (BRIDGE-8). */
import type { HeldHead } from '@airlock/protocol';
import { GATEWAY_LOG, TOTP_LOG } from '../heads/heads.js';
import { forgottenHead, type Forgotten } from '../heads/put-back.js';
import { TOTP_LIMITS } from '../limits.js';
import { lockOperator, revokeLeases } from '../operators/deny.js';
import type { Desk } from '../operators/desk.js';
import type { House } from '../operators/house.js';
import { MISMATCH, raiseAlert } from './head-sign.js';

/** Pure. */
const problemOf = ({ head, begunAnew, isForeign }: Forgotten, knownSize: number): string => {
  if (isForeign)
    return `airlock-totp has other keys than those that signed the log of ${GATEWAY_LOG}: its state was put back without them, or is of another machine; if it is locked again: sudo airlock-ctl audit accept --log gateway`;
  return begunAnew === null
    ? `airlock-totp was put back to an older state: it knows of ${knownSize} signed records of ${GATEWAY_LOG}, and has signed ${head.size}`
    : `airlock-totp was put back to an older state: ${GATEWAY_LOG} began its log anew by decision ${begunAnew}, which is not known here; if it is locked again: sudo airlock-ctl audit accept --log gateway`;
};

/** Once a process, or as often as the alert allows. */
const record = (house: House, forgotten: Forgotten, isFirst: boolean): void => {
  const { size, hash } = house.heads.last(GATEWAY_LOG);
  const isDue = raiseAlert(house, problemOf(forgotten, size));
  const { head, begunAnew } = forgotten;
  if (isDue || isFirst)
    house.journal.record('audit_mismatch', {
      ...{ log: TOTP_LOG, signed: size, signedHash: hash, claimed: head.size, claimedHash: head.hash },
      ...(begunAnew === null ? {} : { begunAnew }),
    });
};

/** Whatever ended since may live in it again, and whatever code was used may count again: those on paper too. */
const endAll = (desk: Desk): void => {
  const floorStep = Math.max(desk.state.floorStep, desk.now().step + TOTP_LIMITS.floorSteps);
  desk.commit({ ...desk.state, floorStep, burntRecovery: desk.secrets?.recovery ?? [] });
  revokeLeases(desk, { all: true });
  lockOperator(desk, MISMATCH);
};

/** @returns what is to be done with what each hello tells. */
export const putBackWatch = (house: House): ((held: HeldHead) => void) => {
  const recorded = new Set<string>();
  return (held) => {
    const forgotten = forgottenHead(house.heads, held);
    if (forgotten === null) return;
    const { hash } = forgotten.head;
    record(house, forgotten, !recorded.has(hash));
    recorded.add(hash);
    for (const desk of house.desks.values()) if (desk.isEnrolled) endAll(desk);
    if (forgotten.begunAnew !== null) house.heads.learn(GATEWAY_LOG, forgotten.begunAnew);
  };
};
