/**
 * `call`: lease → policy → record of the decision → cell → record of the outcome → answer.
 *
 * CALL-6  the decision is recorded before the cell is asked: durable for what is no read, written for a read.
 * CALL-7  a call is counted against its budgets before it happens, and the bytes of its result before they leave.
 * CALL-8  the outcome is recorded before the answer leaves, and no answer leaves after the lease has ended.
 * CALL-10 a write whose answer did not come is OUTCOME_UNKNOWN; one that was done is said to be done, even where its lease has ended.
 * CALL-9  a call whose cell died with its lease says that the lease ended, whichever was noticed first.
 */
import type { Fields } from '@airlock/audit';
import {
  AirlockError,
  asAirlockError,
  type CallParams,
  type CallResult,
  type CellExecuteParams,
  type CellResult,
} from '@airlock/protocol';
import { refused, withAudit } from '../agent/refuse.js';
import type { Cell } from '../cells/cell.js';
import type { Channel } from '../exchange/channel.js';
import { deliver } from '../exchange/deliver.js';
import { park } from '../operations/park.js';
import { checkAnswer, checkRisk, checkSeen, constraintsFor } from './seen.js';
import type { House } from '../house.js';
import { GATEWAY_LIMITS } from '../limits.js';
import type { Session } from '../sessions/sessions.js';
import { isOutcomeUnknown, outcomeUnknown } from './outcome.js';
import { taintSession } from '../sessions/taint-session.js';
import { cellOf } from './cell-open.js';
import { checkResult } from './cell-result.js';
import { checkStillAllowed, runChecks } from './checks.js';
import type { Answerable, Question } from './question.js';

/** Everything up to the decision; nothing has happened when this throws. */
const admit = (question: Question): Answerable => {
  const answerable = runChecks(question);
  question.house.journal.admit(question.session.role, GATEWAY_LIMITS.callLogBytes);
  return answerable;
};

/** A refusal, with the policy and the rule that decided where it came to that. */
const refusedCall = ({ house, session, params, decision }: Question, thrown: unknown): AirlockError => {
  const decided = decision === null ? {} : { policy: decision.policy, rule: decision.rule };
  const { service, operation } = params;
  return refused(house, session, thrown, { service, operation, session: session.id, ...decided });
};

/** CALL-6, CALL-7. @returns seq, once the record is where it has to be. */
const recordDecision = ({ house, session, params, lease, operation, decision }: Answerable): Promise<number> => {
  house.budgets.spend(lease);
  house.rates.add(decision.rateKeys);
  const fields = {
    service: params.service,
    operation: params.operation,
    policy: decision.policy,
    rule: decision.rule,
    lease: lease.payload.id,
    session: session.id,
    role: session.role,
  };
  return operation.class === 'read'
    ? house.journal.grouped('operation_allowed', fields)
    : house.journal.durable('operation_allowed', fields);
};

/** EXCHANGE-9: that a service asked for a code is recorded, once a call. */
const noteCodeQuestion = ({ house, session, params }: Answerable): void => {
  const { service, operation } = params;
  const { id, role, operator } = session;
  house.journal.note('code_question', { service, operation, session: id, role, operator });
};

/** What the cell says during the call is for its channel. */
const listen = (question: Answerable, channel: Channel): void => {
  let isNoted = false;
  channel.ears = {
    event: (event) => deliver(question, channel, event),
    withheld: ({ why, count }) => {
      channel.dropped += count;
      if (why === 'code' && !isNoted) noteCodeQuestion(question);
      isNoted ||= why === 'code';
    },
  };
};

/**
 * The cell's answer; what was cancelled before it was sent does not reach the cell.
 * CALL-10: a write without an answer of its cell is unknown, and nobody is told to send it again.
 */
const ask = async (question: Answerable, cell: Cell, order: CellExecuteParams): Promise<CellResult> => {
  const { channel, operation } = question;
  if (channel !== null) {
    channel.check();
    listen(question, channel);
  }
  try {
    return checkResult(await (channel === null ? cell.execute(order) : channel.run(cell, order, operation.class === 'write')));
  } catch (thrown) {
    throw isOutcomeUnknown(operation.class, thrown) ? outcomeUnknown(thrown) : thrown;
  }
};

const execute = async (question: Answerable): Promise<CellResult> => {
  const { params, lease, channel } = question;
  const ready = cellOf(question);
  const cell = !(ready instanceof Promise) ? ready : await (channel === null ? ready : channel.orAborted(ready));
  const { constraints } = lease.effective;
  checkSeen(constraints, params.params);
  const order = { operation: params.operation, params: params.params };
  const kept = constraintsFor({ ...constraints }, question.decision.maxRisk);
  const limited = Object.keys(kept).length === 0 ? order : { ...order, constraints: kept };
  const answer = await ask(question, cell, limited);
  if (question.operation.untrusted) taintSession(question.house, question.session, params);
  const isWrite = question.operation.class === 'write';
  checkAnswer(constraints, answer, isWrite);
  if (!isWrite) checkRisk(question.decision.maxRisk, answer.risk);
  question.house.budgets.take(lease, answer.result, isWrite);
  return answer;
};

interface Outcome {
  readonly result: string;
  readonly count: number;
  readonly of: number;
  readonly beganMs: number;
}

/** What was said during a call that could be talked with. */
const spoken = (channel: Channel | null): Fields => {
  if (channel?.mcp === undefined) return {};
  const { meter, asks, dropped } = channel;
  return { events: meter.events, asks, ...(dropped === 0 ? {} : { dropped }) };
};

const outcomeFields = ({ house, session, params, lease, channel }: Answerable, { result, count, of, beganMs }: Outcome) => ({
  service: params.service,
  operation: params.operation,
  count,
  result,
  lease: lease.payload.id,
  session: session.id,
  role: session.role,
  ms: Math.round(house.timers.nowMs() - beganMs),
  of,
  ...spoken(channel),
});

/** The error as the agent gets it, its record written; where that fails, the record's failure is the answer. */
const failed = (question: Answerable, thrown: unknown, of: number, beganMs: number): AirlockError => {
  const error = asAirlockError(thrown);
  try {
    const fields = outcomeFields(question, { result: error.code, count: 0, of, beganMs });
    const recorded = withAudit(error, question.house.journal.write('operation', fields));
    const { house, session, params } = question;
    const { role, operator, id } = session;
    return house.watch.ended({ role, operator, session: id }, recorded, JSON.stringify([params.service, params.params]));
  } catch (unrecorded) {
    return asAirlockError(unrecorded);
  }
};

/**
 * CALL-9. What airlock-totp told before it ended the cell has arrived when it answers once more.
 * @returns the end of the lease, of the lock or of airlock-totp; else what was thrown
 */
const whyFailed = async (question: Answerable, thrown: unknown): Promise<unknown> => {
  const { bridge } = question.house;
  if (asAirlockError(thrown).code === 'UNAVAILABLE' && bridge.refusal() === null)
    await bridge.call('heartbeat', {}, GATEWAY_LIMITS.heartbeatLostMs).catch(() => undefined);
  try {
    checkStillAllowed(question);
    return thrown;
  } catch (ended) {
    return ended;
  }
};

/** CALL-8. @returns seq. @throws AirlockError AUDIT_UNAVAILABLE, or why the call is no longer allowed, with a record of its own */
const recordOk = async (question: Answerable, count: number, of: number, beganMs: number): Promise<number> => {
  const audit = await question.house.journal.grouped('operation', outcomeFields(question, { result: 'ok', count, of, beganMs }));
  try {
    // Within the turn that the write took to come, the lease may have ended.
    if (question.operation.class !== 'write') checkStillAllowed(question);
  } catch (thrown) {
    throw failed(question, thrown, of, beganMs);
  }
  return audit;
};

/** A decided call. @throws AirlockError with the number of its record. */
const answer = async (question: Answerable, of: number, beganMs: number): Promise<CallResult> => {
  let done: CellResult;
  try {
    done = await execute(question);
    if (question.operation.class !== 'write') checkStillAllowed(question);
  } catch (thrown) {
    const isUnknown = asAirlockError(thrown).code === 'OUTCOME_UNKNOWN';
    throw failed(question, isUnknown ? thrown : await whyFailed(question, thrown), of, beganMs);
  }
  const { result, count, masked, truncated, risk, signatures } = done;
  const audit = await recordOk(question, count, of, beganMs);
  return { result, meta: { audit, masked, truncated, risk, ...(signatures === undefined ? {} : { signatures }) } };
};

/** @throws AirlockError any of the refusals of checks.ts, what the cell says, AUDIT_UNAVAILABLE, RATE_LIMITED */
export const call = async (
  house: House,
  session: Session,
  params: CallParams,
  channel: Channel | null = null,
): Promise<CallResult> => {
  const beganMs = house.timers.nowMs();
  const asked: Question = {
    house,
    session,
    params,
    channel,
    lease: null,
    registered: null,
    service: null,
    operation: null,
    decision: null,
  };
  let question: Answerable;
  let of: number;
  let pending: AirlockError | null = null;
  try {
    question = admit(asked);
    if (question.decision.decision === 'approval') pending = await park(question);
    if (pending !== null) throw pending;
    of = await recordDecision(question);
    // Writing took its time; what held before it may not hold now.
    checkStillAllowed(question);
  } catch (thrown) {
    throw thrown === pending ? thrown : refusedCall(asked, thrown);
  }
  return answer(question, of, beganMs);
};
