/** `session.list` and `session.unblock`: who is connected, who has read what others wrote, who is blocked and why. */
import type { SessionList, SessionView, Unblocked } from '@airlock/protocol';
import type { House } from '../house.js';
import { callsItself, type Session } from '../sessions/sessions.js';
import { redeem, type TicketParams } from './redeem.js';

const viewOf = (house: House, session: Session): SessionView => ({
  session: session.id,
  role: session.role,
  client: callsItself(session).client ?? null,
  connected: session.connections.size > 0,
  leases: house.register.ofSession(session.id).length,
  taint: session.taint,
  blocked: house.watch.blockOf({ role: session.role, session: session.id }),
});

/** Sessions that are connected, hold a lease, or are blocked: the others are forgotten by themselves. */
const isOfInterest = ({ connected, leases, blocked }: SessionView): boolean => connected || leases > 0 || blocked !== null;

export const sessionList = (house: House, operator: string): SessionList => ({
  sessions: house.sessions
    .ofOperator(operator)
    .map((session) => viewOf(house, session))
    .filter(isOfInterest),
  blocks: house.watch.list(operator),
});

/** Recorded by the watch, lifted once. @throws AirlockError of redeem.ts */
export const sessionUnblock = async (house: House, operator: string, { ticket }: TicketParams): Promise<Unblocked> => {
  const { params } = await redeem(house, operator, 'unblock', ticket);
  return { lifted: house.watch.lift(operator, params.role, params.session ?? null) };
};
