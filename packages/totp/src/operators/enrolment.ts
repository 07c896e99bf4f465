/**
 * Enrolment of a phone (docs/spec/approval.md "Enrolment and recovery").
 *
 * ENROL-1  nothing counts until two codes of two consecutive steps were given; both are burnt.
 * ENROL-2  a repeated enrolment needs the ticket of `totp.reset` or a recovery code, which is burnt durably before
 *          anything else, and whose failures count like a code's.
 * ENROL-5  a code to an enrolment with actions names the digest of their text, which is compared before the code.
 * ENROL-6  the second code gives a ticket for each action, to the connection that began the enrolment.
 * ENROL-7  only the clock of a phone whose secret does not count yet is measured by its codes.
 * ENROL-3  from the second code on the old secret approves nothing; it stays for the epochs whose keys came from it (ENROL-8).
 */
import { AirlockError, type EnrolBeginResult, type EnrolCodeResult } from '@airlock/protocol';
import { MAX_TOTP_SECRET_BYTES, MIN_TOTP_SECRET_BYTES, newVaultId, newVaultRoot } from '@airlock/vault';
import { decodeBase32, encodeBase32 } from '../codes/base32.js';
import { otpauthUri } from '../codes/otpauth.js';
import {
  RECOVERY_BYTES,
  RECOVERY_CODES,
  formatRecoveryCode,
  recoveryDigest,
  recoveryDigestOf,
  unusedOf,
} from '../codes/recovery.js';
import { findStep } from '../codes/totp.js';
import { TOTP_LIMITS } from '../limits.js';
import { clearFailures, countFailure, isLockedOut } from '../queue/failures.js';
import type { Now, OperatorState } from '../queue/state.js';
import { epochOf, type EnrolmentSecrets } from '../state/secrets.js';
import { recordFailure } from './approve.js';
import type { Desk } from './desk.js';
import { requireShown, ticketsOf, type ListedActions, type Shown } from './listed-actions.js';
import { codeRejected, lockedOut, nextCodeInS } from './refusals.js';

/** An enrolment that was begun. */
export interface Enrolment {
  readonly secret: Buffer;
  /** SHA-256 of the new recovery codes. */
  readonly recovery: readonly string[];
  readonly endsBootMs: number;
  /** Step of the last good code; null before the first. */
  firstStep: number | null;
  failures: number;
  /** What its second code approves as well; null for nothing. */
  readonly listed: ListedActions | null;
}

/** 160 bits, as RFC 4226 §4 R6 recommends. */
const SECRET_BYTES = 20;

/** @throws AirlockError PARAMS_INVALID */
export const parseSecret = (text: string): Buffer => {
  const secret = decodeBase32(text);
  if (secret !== null && secret.length >= MIN_TOTP_SECRET_BYTES && secret.length <= MAX_TOTP_SECRET_BYTES) return secret;
  throw new AirlockError('PARAMS_INVALID', 'the secret is not usable', {
    field: 'params.secret',
    expected: `base32 (RFC 4648) of ${MIN_TOTP_SECRET_BYTES} to ${MAX_TOTP_SECRET_BYTES} bytes`,
    found: secret === null ? 'no base32' : `${secret.length} bytes`,
  });
};

/**
 * Uses a recovery code up.
 * @throws AirlockError CODE_REJECTED, CODE_LOCKED_OUT, NOT_ENROLLED, AUDIT_UNAVAILABLE
 */
export const useRecoveryCode = (desk: Desk, text: string): void => {
  const secrets = desk.requireEnrolled();
  if (isLockedOut(desk.state, 'terminal')) throw lockedOut('terminal');
  const digest = recoveryDigest(text);
  if (digest === null || !unusedOf(secrets.recovery, desk.state.burntRecovery).includes(digest)) {
    desk.commit(countFailure(desk.state, 'terminal'));
    recordFailure(desk, 'terminal', null);
    throw isLockedOut(desk.state, 'terminal') ? lockedOut('terminal') : codeRejected(desk.state, 'terminal', desk.now());
  }
  desk.commit({ ...clearFailures(desk.state, 'terminal'), burntRecovery: [...desk.state.burntRecovery, digest] });
  desk.house.journal.record('recovery_used', desk.fields({ left: unusedOf(secrets.recovery, desk.state.burntRecovery).length }));
};

/** Whether a recovery code was written down right; uses nothing up and counts nothing. */
export const isRecoveryCode = (desk: Desk, text: string): boolean => {
  const digest = recoveryDigest(text);
  const known = desk.enrolment?.recovery ?? desk.secrets?.recovery ?? [];
  return digest !== null && unusedOf(known, desk.state.burntRecovery).includes(digest);
};

/** Draws everything new. Replaces an enrolment that was begun before. The caller has checked that it may be. */
export const beginEnrolment = (desk: Desk, given: Buffer | null, listed: ListedActions | null = null): EnrolBeginResult => {
  const { random, config } = desk.house;
  const secret = given ?? random.bytes(SECRET_BYTES);
  const drawn = Array.from({ length: RECOVERY_CODES }, () => random.bytes(RECOVERY_BYTES));
  const recoveryCodes = drawn.map(formatRecoveryCode);
  const recovery = drawn.map(recoveryDigestOf);
  desk.enrolment?.secret.fill(0);
  const endsBootMs = desk.now().bootMs + TOTP_LIMITS.enrolmentTtlMs;
  desk.enrolment = { secret, recovery, endsBootMs, firstStep: null, failures: 0, listed };
  return {
    otpauth: otpauthUri(config.totp.issuer, desk.operator, secret, config.totp),
    secret: encodeBase32(secret),
    recoveryCodes,
    ...(listed === null ? {} : { actions: { text: listed.text, digest: listed.digest } }),
  };
};

const stepsAround = (step: number, count: number): readonly number[] =>
  Array.from({ length: 2 * count + 1 }, (_, n) => step - count + n).filter((one) => one >= 0);

/** `3 minutes ahead`, `40 s behind`: below 90 s in seconds. */
const driftWords = (driftS: number): string => {
  const size = Math.abs(driftS);
  const minutes = Math.round(size / 60);
  const amount = size < 90 ? `${size} s` : `${minutes} minutes`;
  return `${amount} ${driftS > 0 ? 'ahead' : 'behind'}`;
};

/** Seconds the phone is ahead, as far as a code tells that is outside of the window; 0 where it tells nothing (ENROL-7). */
const driftOf = (desk: Desk, enrolment: Enrolment, code: string, now: Now): number => {
  const far = Math.ceil(TOTP_LIMITS.enrolmentDriftMs / 1000 / now.periodS);
  const actual = findStep(enrolment.secret, code, stepsAround(now.step, far), desk.house.config.totp);
  const steps = actual === null ? 0 : actual - now.step;
  return Math.abs(steps) > TOTP_LIMITS.windowSteps ? steps * now.periodS : 0;
};

const rejected = (desk: Desk, enrolment: Enrolment, code: string, now: Now): AirlockError => {
  enrolment.failures += 1;
  if (enrolment.failures >= TOTP_LIMITS.maxFailures) desk.enrolment = null;
  const nextS = nextCodeInS({ ...desk.state, lastStep: -1, floorStep: 0 }, now);
  const driftS = driftOf(desk, enrolment, code, now);
  const over = desk.enrolment === null ? '; too many wrong codes: begin the enrolment again' : '';
  if (driftS === 0) {
    return new AirlockError('CODE_REJECTED', 'the code was not accepted', {
      hint: `mistyped, already used or too old; next code in ${nextS} s; check the phone's clock${over}`,
      retryAfterMs: nextS * 1000,
    });
  }
  const words = driftWords(driftS);
  return new AirlockError('CODE_REJECTED', `the code is right, but your phone is ${words}`, {
    field: 'clock',
    expected: "this machine's clock",
    found: words,
    hint: `set the phone's date and time to automatic (or, where this machine is wrong: sudo timedatectl set-ntp true), then type the code it shows${over}`,
    retryAfterMs: 0,
  });
};

/** The floor is about codes of one secret, so a new secret starts above its own two. */
const enrolledState = (state: OperatorState, step: number): OperatorState => ({
  ...state,
  lastStep: step,
  floorStep: step + 1,
  failures: { terminal: 0, relay: 0 },
});

const finish = (desk: Desk, enrolment: Enrolment, step: number): void => {
  const old = desk.secrets;
  const secrets: EnrolmentSecrets = {
    vaultId: old?.vaultId ?? newVaultId(),
    root: old?.root ?? Buffer.from(newVaultRoot()),
    firstEpoch: old?.firstEpoch ?? 0,
    totp: [...(old?.totp ?? []), enrolment.secret],
    recovery: enrolment.recovery,
  };
  const actions = enrolment.listed === null ? {} : { actions: enrolment.listed.digest };
  desk.house.journal.record('enrolled', desk.fields({ epoch: epochOf(secrets), again: old !== null, ...actions }));
  desk.commit(enrolledState(desk.state, step));
  desk.enrol(secrets);
  desk.enrolment = null;
};

/**
 * @throws AirlockError CODE_REJECTED; NOT_FOUND where no enrolment was begun; PARAMS_INVALID, NOT_AUTHENTICATED (ENROL-5)
 */
export const giveEnrolmentCode = (desk: Desk, code: string, shown: Shown = {}): EnrolCodeResult => {
  const { enrolment } = desk;
  if (enrolment === null) {
    throw new AirlockError('NOT_FOUND', 'no enrolment was begun, or it is over', { hint: 'begin again: airlock-ctl totp setup' });
  }
  requireShown(enrolment.listed, shown);
  const now = desk.now();
  const steps = stepsAround(now.step, TOTP_LIMITS.windowSteps).filter(
    (step) => enrolment.firstStep === null || step > enrolment.firstStep,
  );
  const step = findStep(enrolment.secret, code, steps, desk.house.config.totp);
  if (step === null) throw rejected(desk, enrolment, code, now);
  const driftS = (step - now.step) * now.periodS;
  const isSecond = enrolment.firstStep !== null && step === enrolment.firstStep + 1;
  enrolment.firstStep = step;
  if (!isSecond) return { enrolled: false, codesNeeded: 1, driftS };
  finish(desk, enrolment, step);
  const tickets = enrolment.listed === null ? {} : { tickets: ticketsOf(desk, enrolment.listed) };
  return { enrolled: true, codesNeeded: 0, driftS, ...tickets };
};
