/** What follows here from what airlock-totp tells (BRIDGE-4). */
import {
  asAirlockError,
  frozenError,
  isFrozen,
  isoTime,
  parseScope,
  type AirlockError,
  type BridgeHelloResult,
  type Freeze,
  type LeaseEnd,
  type RegisteredLease,
} from '@airlock/protocol';
import { openParams } from '../call/cell-open.js';
import type { House } from '../house.js';
import type { GatewayEvent } from '../journal/journal.js';
import { endError } from '../leases/register.js';
import { GATEWAY_LIMITS } from '../limits.js';
import { resumeParked, settleDecided } from '../operations/run.js';
import { commitOf } from '../operator/services.js';
import { rewrapVault } from '../vault/rewrap.js';
import { mustBeginAnew, recordOther } from '../journal/begin-anew.js';
import { applyRestored } from '../vault/staged.js';
import type { BridgeHandlers } from './link.js';

const END_EVENTS: Readonly<Record<LeaseEnd, GatewayEvent>> = {
  expired: 'lease_expired',
  reboot: 'lease_expired',
  revoked: 'lease_revoked',
  released: 'lease_released',
  renewed: 'lease_renewed',
};

const notifySession = (house: House, session: string, method: string, params: object): void => {
  for (const connection of house.sessions.get(session)?.connections ?? []) connection.notify(method, params);
};

/** A lease has ended, whoever noticed: its cells end, with them its calls, and its session is told. */
export const onLeaseEnd = (house: House, { id, operator, role, session }: RegisteredLease, why: LeaseEnd): void => {
  house.pool.endLease(id, endError(why));
  house.budgets.forget(id);
  house.signed.forget(id);
  house.journal.note(END_EVENTS[why], { lease: id, operator, role, session, why });
  notifySession(house, session, 'lease.ended', { lease: id, why });
};

/** Opens at most two cells ahead of their first call; a failure shows at that call. */
const openAhead = (house: House, { id, operator, role, scopes }: RegisteredLease): void => {
  const services = [...new Set(scopes.map((scope) => parseScope(scope).service))];
  for (const service of services.slice(0, GATEWAY_LIMITS.openAhead)) {
    const entry = house.stores.get(operator)?.get(service);
    if (entry === undefined || entry.record === null) continue;
    house.pool.get({ lease: id, service, role, operator }, () => openParams(house, operator, id, entry)).catch(() => undefined);
  }
};

const THAWED: Freeze = { locked: false, presence: [] };

/** Recorded here too (PRESENCE-11). */
const noteFreeze = ({ journal, heads }: House, operator: string, was: Freeze, is: Freeze): void => {
  if (was.locked !== is.locked) journal.note(is.locked ? 'locked' : 'unlocked', { operator });
  if (was.locked && !is.locked) heads.retry();
  const rose = is.presence.filter((reason) => !was.presence.includes(reason));
  if (rose.length > 0) journal.note('presence_frozen', { operator, why: rose });
  if (was.presence.length > 0 && is.presence.length === 0) journal.note('presence_thawed', { operator });
};

const setFreeze = (house: House, operator: string, { locked, presence = [] }: Partial<Freeze> & Pick<Freeze, 'locked'>): void => {
  const freeze = { locked, presence };
  noteFreeze(house, operator, house.frozen.get(operator) ?? THAWED, freeze);
  if (!isFrozen(freeze)) return void house.frozen.delete(operator);
  house.frozen.set(operator, freeze);
  house.pool.endOperator(operator, frozenError(freeze));
};

/** Told by airlock-totp's connection. */
export const bridgeHandlers = (house: () => House): BridgeHandlers => ({
  'request.fronted': ({ operator, request, role }) => house().journal.note('request_fronted', { operator, request, role }),
  'request.decided': (params) => {
    const { operator, request, status, reason } = params;
    const tracked = house().requests.decided(params);
    settleDecided(house(), params).catch((thrown: unknown) =>
      house().options.log(`an operation: ${asAirlockError(thrown).code}`),
    );
    if (status === 'denied') house().journal.note('access_denied', { operator, request, role: tracked?.role, reason });
    if (status === 'expired') house().journal.note('access_expired', { operator, request, role: tracked?.role });
    if (tracked === null) return;
    notifySession(house(), tracked.session, 'access.decided', { request, status, ...(reason === undefined ? {} : { reason }) });
  },
  'lease.issued': ({ lease, request }) => {
    const { id, operator, role, session, scopes, expiresMs } = lease;
    // A claimed grant has no request of the agent.
    const of = request === '' ? {} : { request };
    house().register.add(lease);
    house().journal.note('lease_issued', { lease: id, ...of, operator, role, session, scopes, expires: isoTime(expiresMs) });
    openAhead(house(), lease);
  },
  'grant.issued': ({ grant }) => {
    const { id, operator, role, scopes, expiresMs } = grant;
    house().grants.add(grant);
    house().journal.note('grant_issued', { grant: id, operator, role, scopes, expires: isoTime(expiresMs) });
  },
  'grant.ended': ({ grant, why }) => {
    const known = house().grants.end(grant);
    // A claim is recorded before airlock-totp is asked for it.
    if (known !== null && why !== 'claimed')
      house().journal.note('grant_ended', { grant, operator: known.operator, role: known.role, why });
  },
  'lease.ended': ({ lease, why }) => house().register.end(lease, why),
  locked: ({ operator, ...freeze }) => setFreeze(house(), operator, freeze),
  'lease.marked': ({ leases }) => house().register.mark(leases),
  enrolled: ({ operator, enrolled }) => {
    // Recorded here too, so that a head is signed which a state from before does not know (BRIDGE-8).
    house().journal.note('enrolled', { operator, enrolled });
    if (enrolled) rewrapVault(house(), operator);
  },
});

/** ACCEPT-8: nothing is signed or served; the next hello asks again. */
const holdBack = (house: House, problem: AirlockError): void => {
  const { anew, bridge, heads, options, pool, timers } = house;
  heads.rest();
  if (anew.problem?.message !== problem.message) options.log(problem.message);
  anew.problem = problem;
  pool.endAll(problem);
  timers.after(GATEWAY_LIMITS.beginAnewRetryMs, () => bridge.renew());
};

/** @returns whether this process goes on with the log that it has */
const keepsLog = (house: House, { begunAnew }: BridgeHelloResult): boolean => {
  const { anew, heads, journal, options } = house;
  try {
    if (!mustBeginAnew(options, journal.log, begunAnew)) {
      anew.problem = null;
      return true;
    }
    heads.rest();
    options.log('the log begins anew, as root accepted with a code; starting again');
    options.restart?.();
  } catch (thrown) {
    holdBack(house, asAirlockError(thrown));
  }
  return false;
};

/** After each hello: the truth of airlock-totp replaces ours (BRIDGE-3). */
export const onBridgeUp = (house: House, hello: BridgeHelloResult): void => {
  const { operators, leases, grants, head, restored } = hello;
  if (!keepsLog(house, hello)) return;
  recordOther(house.options, house.journal.log, hello.ownBegunAnew);
  house.register.replace(leases);
  house.grants.replace(grants);
  for (const { operator, ...freeze } of operators) setFreeze(house, operator, freeze);
  house.heads.resume(head);
  applyRestored(house, restored ?? null, () => {
    for (const store of house.stores.values()) void store.settle(commitOf(house, store.operator));
  });
  for (const { operator, rewrap } of operators) if (rewrap === true) rewrapVault(house, operator);
  void house.requests.refresh();
  void resumeParked(house);
};

/** BRIDGE-2: cut off, so what is open ends. */
export const onBridgeLost = (house: House, reason: AirlockError): void => {
  house.options.log('airlock-totp does not answer; nothing is served until it does');
  house.pool.endAll(reason);
};

/** Sessions are told a minute before a lease of theirs ends. */
export const notifyExpiring = (house: House, { id, session, expiresMs }: RegisteredLease): void =>
  notifySession(house, session, 'lease.expiring', { lease: id, expiresAt: isoTime(expiresMs) });
