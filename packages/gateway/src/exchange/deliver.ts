/**
 * An event of a call, from its cell to the agent that made the call.
 *
 * EXCHANGE-7  it leaves only while its call and its lease live, after the taint is written, and counted against the lease's bytes.
 * EXCHANGE-8  an agent that does not read loses events, and a question it would not read ends the call: nothing waits here without bound.
 */
import {
  AirlockError,
  EXCHANGE_LIMITS,
  LIMITS,
  asAirlockError,
  isRiskAllowed,
  type CellEvent,
  type ExchangeEvent,
} from '@airlock/protocol';
import { checkStillAllowed } from '../call/checks.js';
import type { Answerable } from '../call/question.js';
import { taintSession } from '../sessions/taint-session.js';
import type { Channel } from './channel.js';

const tooMuch = (): AirlockError => new AirlockError('UPSTREAM_REFUSED', 'the service asked too much during the call');
const notRead = (): AirlockError =>
  new AirlockError('UNAVAILABLE', 'the agent does not read what the service asks', { retry: 'never' });
const risky = (): AirlockError =>
  new AirlockError('RISK_TOO_HIGH', 'a question of the service scores above what is allowed, and is withheld');

/** What is looked at before an event leaves. @throws AirlockError why it does not */
const admit = (question: Answerable, channel: Channel, { event, risk }: CellEvent): void => {
  const { house, session, params, operation, lease, decision } = question;
  const bytes = Buffer.byteLength(JSON.stringify(event));
  if (bytes > EXCHANGE_LIMITS.maxEventBytes * 2 || !channel.meter.take(bytes, house.timers.nowMs())) throw tooMuch();
  if (!isRiskAllowed({ ...lease.effective.constraints }, risk) || risk > (decision.maxRisk ?? 1)) throw risky();
  if (channel.listener.unsentBytes > LIMITS.unsentPauseBytes) throw notRead();
  if (operation.untrusted && !channel.isTainted) taintSession(house, session, params);
  channel.isTainted = true;
  house.budgets.take(lease, event);
};

const send = ({ listener, name }: Channel, event: ExchangeEvent): void => listener.notify('call.event', { channel: name, event });

/** What could not leave: something said is dropped, something asked ends the call. */
const withhold = (channel: Channel, event: ExchangeEvent, error: AirlockError): void => {
  channel.dropped += 1;
  if ('ask' in event) channel.abort(error);
};

/** Passes an event on, or does what has to be done in its place. Never throws. */
export const deliver = (question: Answerable, channel: Channel, told: CellEvent): void => {
  if (channel.isSilent || channel.mcp === undefined) return;
  try {
    checkStillAllowed(question);
  } catch (ended) {
    return channel.abort(asAirlockError(ended));
  }
  const { event } = told;
  try {
    admit(question, channel, told);
    if ('ask' in event && !channel.ask(event.ask)) throw tooMuch();
    send(channel, event);
  } catch (thrown) {
    withhold(channel, event, asAirlockError(thrown));
  }
};
