/** What lists show of requests and leases (interfaces.md). Never a lease text, never a ticket. */
import {
  isoTime,
  type LeaseView,
  type PendingResult,
  type RegisteredGrant,
  type RegisteredLease,
  type RequestView,
} from '@airlock/protocol';
import { waitForCodeS } from '../queue/failures.js';
import type { QueuedRequest } from '../queue/state.js';
import { needsMatch } from '../queue/submit.js';
import type { Desk } from './desk.js';

export const viewOf = (request: QueuedRequest, operator: string): RequestView => ({
  id: request.id,
  kind: request.kind,
  operator,
  role: request.role,
  session: request.session,
  scopes: request.scopes,
  reason: request.reason,
  intent: request.intent,
  match: request.match,
  createdAt: isoTime(request.createdMs),
  expiresAt: isoTime(request.expiresMs),
  digest: request.digest,
  summary: request.summary,
});

export const pendingView = (desk: Desk): PendingResult => {
  const { state, operator } = desk;
  const { front } = state;
  const now = desk.now();
  const waiting = state.waiting.map((request) => viewOf(request, operator));
  if (front === null) return { front: null, waiting };
  return {
    front: { ...viewOf(front, operator), text: front.text, needsMatch: needsMatch(state, now), waitS: waitForCodeS(state, now) },
    waiting,
  };
};

export const leaseView = ({ id, role, session, scopes, issuedMs, expiresMs }: RegisteredLease): LeaseView => ({
  id,
  role,
  session,
  scopes,
  issuedAt: isoTime(issuedMs),
  expiresAt: isoTime(expiresMs),
});

/** A grant among the leases: nobody has it yet. */
export const unclaimedView = ({ id, role, scopes, issuedMs, expiresMs }: RegisteredGrant): LeaseView => ({
  id,
  role,
  session: null,
  scopes,
  issuedAt: isoTime(issuedMs),
  expiresAt: isoTime(expiresMs),
  unclaimed: true,
});
