/**
 * From the human's decision to the outcome of a parked operation.
 *
 * PARKED-3  `running` is on disk before airlock-totp is asked for the ticket, and airlock-totp gives it once: so at most once.
 * PARKED-4  once the cell was sent the operation, only its own answer says what became of it; without one, what writes is unknown.
 * PARKED-5  the outcome is on disk before it is recorded, and recorded before it is handed out.
 * PARKED-6  what a narrowed lease asked for ends with that lease, not with the one it came from.
 * PARKED-7  what policy denies by now does not run, whatever was approved.
 */
import {
  AirlockError,
  asAirlockError,
  toWireError,
  type CellExecuteParams,
  type CellResult,
  type RegisteredLease,
  type RequestState,
  type TakenOperation,
} from '@airlock/protocol';
import { orderFor } from '../call/cell-open.js';
import { checkPolicyNow } from '../call/checks.js';
import { checkAnswer, checkRisk, constraintsFor } from '../call/seen.js';
import { checkKept, checkKeptError, checkResult } from '../call/cell-result.js';
import { isOutcomeUnknown, outcomeUnknown } from '../call/outcome.js';
import type { Cell } from '../cells/cell.js';
import { findService, requireThawed, type House } from '../house.js';
import { GATEWAY_LIMITS } from '../limits.js';
import { taintSession } from '../sessions/taint-session.js';
import type { ServiceEntry } from '../vault/entry.js';
import type { Parked } from './parked.js';

/** PARKED-6. @throws AirlockError LEASE_EXPIRED, LEASE_REVOKED */
export const checkLease = (house: House, { lease, endsWallMs, endsBootMs }: Parked): RegisteredLease => {
  const registered = house.register.find(lease);
  if (registered === null) throw house.register.whyNot(lease, 0);
  if (house.clock.wallMs() >= endsWallMs || house.clock.bootMs() >= endsBootMs)
    throw new AirlockError('LEASE_EXPIRED', 'the lease that asked for it has ended');
  return registered;
};

/** @throws AirlockError why it cannot run any more; nothing has happened then. */
const entryFor = (house: House, parked: Parked): ServiceEntry => {
  const { operator, service } = parked;
  const cutOff = house.bridge.refusal() ?? house.sealed();
  if (cutOff !== null) throw cutOff;
  requireThawed(house, operator);
  const registered = checkLease(house, parked);
  const session = house.sessions.get(parked.session);
  if (session === undefined) throw new AirlockError('LEASE_SESSION', 'the session that asked for it is gone');
  const entry = findService(house, operator, service)?.entry;
  if (entry === undefined) throw new AirlockError('SERVICE_UNKNOWN', `there is no service ${service} any more`);
  checkPolicyNow({ house, session, params: parked }, registered);
  return entry;
};

const orderOf = ({ operation, params, constraints, maxRisk }: Parked): CellExecuteParams => {
  const kept = constraintsFor(constraints, maxRisk);
  return {
    ...{ operation, params, maxResultBytes: GATEWAY_LIMITS.maxOutcomeBytes },
    ...(Object.keys(kept).length === 0 ? {} : { constraints: kept }),
  };
};

/** The answer of a cell of its own. `onSent` is told right before the cell is sent the operation (PARKED-4). */
const execute = (house: House, parked: Parked, entry: ServiceEntry, slot: number, onSent: () => void): Promise<CellResult> => {
  const { request, lease, service, role, operator } = parked;
  const prepare = async (): Promise<ReturnType<typeof orderFor>> => {
    const taken = await house.bridge.call<TakenOperation>('operation.take', { request });
    if (taken.digest !== parked.digest) throw new AirlockError('POLICY_DENIED', 'what was approved is another operation');
    return orderFor(house, operator, entry, lease, taken.ticket);
  };
  return house.pool.alone(slot, { lease, service, role, operator }, prepare, async (cell: Cell) => {
    onSent();
    const answer = checkKept(checkResult(await cell.execute(orderOf(parked))));
    const isWrite = parked.class === 'write';
    checkAnswer(parked.constraints, answer, isWrite);
    if (!isWrite) checkRisk(parked.maxRisk, answer.risk);
    house.budgets.take({ payload: { id: lease }, budgets: parked.budgets }, answer.result, isWrite);
    return answer;
  });
};

type Settled = Partial<Pick<Parked, 'state' | 'outcome' | 'error'>>;

const attempt = async (house: House, parked: Parked, entry: ServiceEntry, slot: number): Promise<Settled> => {
  const order = { isSent: false };
  try {
    const answer = execute(house, parked, entry, slot, () => (order.isSent = true));
    // Member by member: nothing else of what a cell says is kept.
    const { result, count, masked, truncated, risk, signatures } = await answer.catch(checkKeptError);
    const named = signatures === undefined ? {} : { signatures };
    return { state: 'done', outcome: { result, count, masked, truncated, risk, ...named } };
  } catch (thrown) {
    if (order.isSent && isOutcomeUnknown(parked.class, thrown)) {
      const { request } = parked;
      return { state: 'unknown', error: toWireError(outcomeUnknown(thrown, { request })) };
    }
    return { state: 'failed', error: toWireError(asAirlockError(thrown)) };
  }
};

const resultOf = ({ state, error }: Parked): string => (state === 'done' ? 'ok' : (error?.data.code ?? 'OUTCOME_UNKNOWN'));

const writeRecord = async (house: House, parked: Parked, beganMs?: number): Promise<Parked> => {
  const { request, service, operation, lease, session, role, of, outcome } = parked;
  const ms = beganMs === undefined ? {} : { ms: Math.round(house.timers.nowMs() - beganMs) };
  const fields = { service, operation, count: outcome?.count ?? 0, result: resultOf(parked), request, lease, session, role, of };
  const audit = await house.journal.durable('operation', { ...fields, ...ms });
  return house.operations.change(parked, { audit });
};

/** Records that are being written, so that an outcome fetched meanwhile has one record. */
const beingWritten = new WeakMap<Parked, Promise<Parked>>();

/** PARKED-5: the record of an outcome that is on disk. Where it cannot be written, it is tried again when it is asked for. */
export const recordOutcome = (house: House, parked: Parked, beganMs?: number): Promise<Parked> => {
  const writing = beingWritten.get(parked) ?? writeRecord(house, parked, beganMs);
  beingWritten.set(parked, writing);
  writing.catch(() => beingWritten.delete(parked));
  return writing;
};

/** What an untrusted operation brought in is in the session from here on. */
const taint = (house: House, { role, service, operation, operator }: Parked): void => {
  if (findService(house, operator, service)?.operations.get(operation)?.untrusted === true)
    taintSession(house, { role, operator }, { service, operation });
};

const finish = async (house: House, running: Parked, settled: Settled, beganMs: number): Promise<void> => {
  if (settled.state === 'done') taint(house, running);
  const after = house.operations.change(running, settled);
  await recordOutcome(house, after, beganMs);
};

/** What became of it is known to this process alone, so it is written as soon as it can be. */
const finishRunning = async (house: House, running: Parked, settled: Settled, beganMs: number): Promise<void> => {
  try {
    await finish(house, running, settled, beganMs);
  } catch (thrown) {
    const { request } = running;
    // What is written and has no record gets it when it is asked for.
    if (house.operations.get(request) !== running) throw thrown;
    house.options.log(`the outcome of request ${request} could not be written: ${asAirlockError(thrown).code}`);
    house.timers.after(GATEWAY_LIMITS.outcomeRetryMs, () => {
      finishRunning(house, running, settled, beganMs).catch(() => undefined);
    });
  }
};

/** Those that wait for a slot, so that asking for their outcome does not make them try more often. */
const waitsForSlot = new WeakSet<Parked>();

const tryLater = (house: House, parked: Parked): void => {
  if (waitsForSlot.has(parked)) return;
  waitsForSlot.add(parked);
  house.timers.after(GATEWAY_LIMITS.slotRetryMs, () => {
    waitsForSlot.delete(parked);
    void settleWaiting(house, parked.request);
  });
};

/** The slot of the cell, or null where none is free now: then it is tried again, as long as the approval holds. */
const slotFor = (house: House, parked: Parked): number | null => {
  try {
    return house.slots.take(parked);
  } catch {
    tryLater(house, parked);
    return null;
  }
};

const runHere = async (house: House, waiting: Parked, entry: ServiceEntry, slot: number): Promise<void> => {
  const beganMs = house.timers.nowMs();
  let running: Parked;
  try {
    running = house.operations.change(waiting, { state: 'running' });
  } catch (thrown) {
    house.slots.free(slot);
    throw thrown;
  }
  const { service, operation, lease, session, role, request } = running;
  const fields = { service, operation, policy: 'approval', rule: 'approved', request, lease, session, role };
  const recorded = await house.journal.durable('operation_allowed', fields).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (recorded === null) return finishRunning(house, running, await attempt(house, running, entry, slot), beganMs);
  house.slots.free(slot);
  return finishRunning(house, running, { state: 'failed', error: toWireError(asAirlockError(recorded)) }, beganMs);
};

/** Runs what was approved, once: from here to `running` nothing else happens in this process. */
const runApproved = async (house: House, waiting: Parked): Promise<void> => {
  let entry: ServiceEntry;
  try {
    entry = entryFor(house, waiting);
  } catch (thrown) {
    await finish(house, waiting, { state: 'failed', error: toWireError(asAirlockError(thrown)) }, house.timers.nowMs());
    return;
  }
  const slot = slotFor(house, waiting);
  if (slot !== null) await runHere(house, waiting, entry, slot);
};

const REFUSALS = {
  denied: ['APPROVAL_DENIED', 'the operator denied this operation'],
  expired: ['APPROVAL_EXPIRED', 'nobody decided on this operation in time, or its lease ended'],
} as const;

/** What the human decided. A decision that was acted on before changes nothing. */
export const settleDecided = async (
  house: House,
  { request, status, reason = null }: { readonly request: string; readonly status: string; readonly reason?: string | null },
): Promise<void> => {
  const parked = house.operations.get(request);
  if (parked?.state !== 'waiting') return;
  if (status === 'approved') return runApproved(house, parked);
  if (status !== 'denied' && status !== 'expired') return;
  const [code, message] = REFUSALS[status];
  const error = new AirlockError(code, reason === null ? message : `${message}: ${reason}`, { request });
  house.operations.change(parked, { state: status, reason, error: toWireError(error) });
};

/** Asks airlock-totp what became of a request, whatever was told meanwhile. Never throws. */
export const settleWaiting = async (house: House, request: string): Promise<void> => {
  try {
    const { status, reason } = await house.bridge.call<RequestState>('request.get', { request });
    await settleDecided(house, { request, status, reason: reason ?? null });
  } catch (thrown) {
    const { code } = asAirlockError(thrown);
    if (code === 'NOT_FOUND') await settleDecided(house, { request, status: 'expired' }).catch(() => undefined);
    else house.options.log(`request ${request} could not be settled: ${code}`);
  }
};

/** After each hello of airlock-totp: what was decided while one of us was away. */
export const resumeParked = async (house: House): Promise<void> => {
  // Side by side: one whose service is slow keeps no other from running while its approval holds.
  await Promise.all(house.operations.inState('waiting').map(({ request }) => settleWaiting(house, request)));
};
