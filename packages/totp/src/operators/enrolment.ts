/**
 * Enrolment of a phone (docs/spec/approval.md "Enrolment and recovery").
 *
 * ENROL-1  nothing counts until two codes of two consecutive steps were given; both are burnt.
 * ENROL-2  a repeated enrolment needs the ticket of `totp.reset` or a recovery code, which is burnt durably before
 *          anything else, and whose failures count like a code's.
 * ENROL-3  from the second code on the old secret approves nothing; it stays for the epochs whose keys came from it.
 */
import { AirlockError, type EnrolBeginResult, type EnrolCodeResult } from '@airlock/protocol';
import { MAX_TOTP_SECRET_BYTES, MIN_TOTP_SECRET_BYTES, newVaultId, newVaultRoot } from '@airlock/vault';
import { decodeBase32, encodeBase32 } from '../codes/base32.js';
import { otpauthUri } from '../codes/otpauth.js';
import { RECOVERY_BYTES, RECOVERY_CODES, formatRecoveryCode, recoveryDigest } from '../codes/recovery.js';
import { findStep } from '../codes/totp.js';
import { TOTP_LIMITS } from '../limits.js';
import { clearFailures, countFailure, isLockedOut } from '../queue/failures.js';
import type { Now, OperatorState } from '../queue/state.js';
import { epochOf, type EnrolmentSecrets } from '../state/secrets.js';
import { recordFailure } from './approve.js';
import type { Desk } from './desk.js';
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
}

/** 160 bits, as RFC 4226 §4 R6 recommends. */
const SECRET_BYTES = 20;

/** How far off a phone's clock may be for us to say so. */
const DRIFT_STEPS = 120;

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
  if (digest === null || !secrets.recovery.includes(digest) || desk.state.burntRecovery.includes(digest)) {
    desk.commit(countFailure(desk.state, 'terminal'));
    recordFailure(desk, 'terminal', null);
    throw isLockedOut(desk.state, 'terminal') ? lockedOut('terminal') : codeRejected(desk.state, 'terminal', desk.now());
  }
  desk.commit({ ...clearFailures(desk.state, 'terminal'), burntRecovery: [...desk.state.burntRecovery, digest] });
  desk.house.journal.record(
    'recovery_used',
    desk.fields({ left: secrets.recovery.filter((one) => !desk.state.burntRecovery.includes(one)).length }),
  );
};

/** Whether a recovery code was written down right; uses nothing up and counts nothing. */
export const isRecoveryCode = (desk: Desk, text: string): boolean => {
  const digest = recoveryDigest(text);
  const known = desk.enrolment?.recovery ?? desk.secrets?.recovery ?? [];
  return digest !== null && known.includes(digest) && !desk.state.burntRecovery.includes(digest);
};

/** Draws everything new. Replaces an enrolment that was begun before. The caller has checked that it may be. */
export const beginEnrolment = (desk: Desk, given: Buffer | null): EnrolBeginResult => {
  const { random, config } = desk.house;
  const secret = given ?? random.bytes(SECRET_BYTES);
  const recoveryCodes = Array.from({ length: RECOVERY_CODES }, () => formatRecoveryCode(random.bytes(RECOVERY_BYTES)));
  const recovery = recoveryCodes.map((code) => recoveryDigest(code) ?? '');
  desk.enrolment?.secret.fill(0);
  desk.enrolment = { secret, recovery, endsBootMs: desk.now().bootMs + TOTP_LIMITS.enrolmentTtlMs, firstStep: null, failures: 0 };
  return {
    otpauth: otpauthUri(config.totp.issuer, desk.operator, secret, config.totp),
    secret: encodeBase32(secret),
    recoveryCodes,
  };
};

const stepsAround = (step: number, count: number): readonly number[] =>
  Array.from({ length: 2 * count + 1 }, (_, n) => step - count + n).filter((one) => one >= 0);

const rejected = (desk: Desk, enrolment: Enrolment, code: string, now: Now): AirlockError => {
  enrolment.failures += 1;
  if (enrolment.failures >= TOTP_LIMITS.maxFailures) desk.enrolment = null;
  const nextS = nextCodeInS({ ...desk.state, lastStep: -1, floorStep: 0 }, now);
  const actual = findStep(enrolment.secret, code, stepsAround(now.step, DRIFT_STEPS), desk.house.config.totp);
  const drift = actual === null ? 0 : (actual - now.step) * now.periodS;
  const clock =
    Math.abs(drift) > now.periodS
      ? `the phone's clock is about ${Math.abs(drift)} s ${drift > 0 ? 'ahead' : 'behind'}: set it`
      : "check the phone's clock";
  const over = desk.enrolment === null ? '; too many wrong codes: begin the enrolment again' : '';
  return new AirlockError('CODE_REJECTED', 'the code was not accepted', {
    hint: `mistyped, already used or too old; next code in ${nextS} s; ${clock}${over}`,
    retryAfterMs: nextS * 1000,
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
    totp: [...(old?.totp ?? []), enrolment.secret],
    recovery: enrolment.recovery,
  };
  desk.house.journal.record('enrolled', desk.fields({ epoch: epochOf(secrets), again: old !== null }));
  desk.commit(enrolledState(desk.state, step));
  desk.enrol(secrets);
  desk.enrolment = null;
};

/** @throws AirlockError CODE_REJECTED; PARAMS_INVALID where no enrolment was begun */
export const giveEnrolmentCode = (desk: Desk, code: string): EnrolCodeResult => {
  const { enrolment } = desk;
  if (enrolment === null) {
    throw new AirlockError('NOT_FOUND', 'no enrolment was begun, or it is over', { hint: 'begin again: airlock-ctl totp setup' });
  }
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
  return { enrolled: true, codesNeeded: 0, driftS };
};
