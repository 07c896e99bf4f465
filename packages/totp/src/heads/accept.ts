/**
 * A log that does not continue what was signed (lost, an older copy, another history, damaged) is begun anew: decided by root with
 * a code, for a text that says what is given up (docs/spec/audit.md "Begun anew").
 *
 * ACCEPT-1  a code counts for the digest of the text that was shown (a head that was only extended since is the same), is burnt first, and its failures count like any other's.
 * ACCEPT-2  writing `log-accept.pending` is the one step at which it is decided; whatever is killed after it, it is carried out.
 */
import { AirlockError, isoTime, sha256Hex } from '@airlock/protocol';
import { findStep } from '../codes/totp.js';
import { recordFailure } from '../operators/approve.js';
import type { Desk } from '../operators/desk.js';
import { codeRejected, lockedOut } from '../operators/refusals.js';
import { acceptableSteps, burnStep, countFailure, isLockedOut, spentStep } from '../queue/failures.js';
import { currentSecret } from '../state/secrets.js';
import { escapeText } from '../text/escape.js';
import { layOutText } from '../text/lines.js';
import { writePendingAccept } from './begin-anew.js';
import { GATEWAY_LOG, type LogName } from './heads.js';
import type { Situation } from './shown.js';

/** What `log.examine` answers. */
export interface Examined {
  readonly text: string;
  readonly digest: string;
}

export interface AcceptParams {
  readonly log: LogName;
  readonly code: string;
  readonly digest: string;
}

const ID_BYTES = 9;
const CHANNEL = 'terminal';

/** What is known to be wrong with it. @throws AirlockError where the log may not be begun anew */
const troubleOf = ({ house }: Desk, log: LogName): string => {
  const sealed = house.sealed();
  if (log === GATEWAY_LOG) {
    if (sealed !== null) throw sealed;
    return house.alert.view?.message ?? 'nothing is known here; airlock-gateway may be sealed because of it (airlock-ctl status)';
  }
  if (sealed?.code === 'AUDIT_UNAVAILABLE') return sealed.message;
  throw (
    sealed ??
    new AirlockError('NOT_FOUND', 'nothing is wrong with the log of airlock-totp', {
      hint: 'airlock-ctl audit verify says whether both are whole',
    })
  );
};

/** @throws AirlockError where the log may not be begun anew */
const situationOf = (desk: Desk, log: LogName): Situation => {
  const { heads } = desk.house;
  const begun = heads.givenUp(log)?.id ?? null;
  return { operator: desk.operator, log, found: troubleOf(desk, log), begun, head: heads.last(log) };
};

/** Pure. */
const textOf = ({ operator, log, found, head: { size, hash } }: Situation): Examined => {
  const text = layOutText('Airlock record', [
    { label: 'you', value: `operator ${JSON.stringify(operator)}` },
    { label: 'do', value: `begin the log of ${log} anew` },
    { label: 'because', value: escapeText(found) },
    { label: 'signed', value: size === 0 ? 'nothing was signed yet' : `${size} records, up to ${hash}` },
    { label: 'then', value: 'its files are set aside as they are, for whoever looks into it; none is deleted' },
    { label: '', value: 'the new log begins with record 1; what happened before can only be proven from what is set aside' },
  ]);
  return { text, digest: sha256Hex(text) };
};

/** The text that a code then accepts. @throws AirlockError */
export const examineLog = (desk: Desk, log: LogName): Examined => {
  const situation = situationOf(desk, log);
  const shown = textOf(situation);
  desk.house.shownTexts.keep(shown.digest, situation);
  return shown;
};

/** ACCEPT-1 @throws AirlockError CODE_REJECTED, CODE_LOCKED_OUT */
const burnCode = (desk: Desk, code: string): void => {
  const now = desk.now();
  const secret = currentSecret(desk.requireEnrolled());
  if (isLockedOut(desk.state, CHANNEL)) throw lockedOut(CHANNEL);
  const steps = [...acceptableSteps(desk.state, now), ...spentStep(desk.state, now)];
  const step = findStep(secret, code, steps, desk.house.config.totp);
  if (step !== null && step !== desk.state.lastStep) return desk.commit(burnStep(desk.state, step, CHANNEL));
  // The code of the last used step given again is no guess (QUEUE-9).
  if (step === null) desk.commit(countFailure(desk.state, CHANNEL));
  if (desk.house.sealed() === null) recordFailure(desk, CHANNEL, null);
  throw isLockedOut(desk.state, CHANNEL) ? lockedOut(CHANNEL) : codeRejected(desk.state, CHANNEL, now);
};

/** Decided on return, carried out at the next start, which follows at once. @throws AirlockError */
export const acceptLog = (desk: Desk, { log, code, digest }: AcceptParams): { readonly id: string; readonly log: LogName } => {
  const { house } = desk;
  const situation = situationOf(desk, log);
  if (textOf(situation).digest !== digest && !house.shownTexts.covers(digest, situation))
    throw new AirlockError('PARAMS_INVALID', 'what would be accepted is no longer what was shown; the code was not looked at', {
      field: 'params.digest',
      expected: 'the digest of the text that log.examine answers with now',
      hint: 'run it again: sudo airlock-ctl audit accept',
    });
  burnCode(desk, code);
  const id = house.random.bytes(ID_BYTES).toString('hex');
  const { size, hash } = house.heads.last(log);
  const note = house.heads.note(log);
  const { found } = situation;
  const decided = { id, log, size, hash, note, found, operator: desk.operator, at: isoTime(house.clock.wallMs()) };
  writePendingAccept(house.directory, decided);
  house.restart();
  return { id, log };
};
