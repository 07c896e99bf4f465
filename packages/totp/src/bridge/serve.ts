/**
 * bridge.sock: airlock-gateway, one connection at a time.
 *
 * BRIDGE-1  `hello` answers with everything that lives; LEASE_KEY follows as a binary frame, never as a string.
 * BRIDGE-4  what happens here is told as a notification, after it is durable.
 */
import { always, serveSocket, type Connection, type Listening, type MethodEntry, type SocketServer } from '@airlock/ipc';
import { encodeEarlier } from '@airlock/lease';
import {
  AirlockError,
  FRAME,
  packBlobs,
  validatorOf,
  type BegunAnew,
  type BridgeHelloResult,
  type BridgeNotification,
  type Freeze,
  type HeldHead,
} from '@airlock/protocol';
import { readCounter } from '../backup/counter.js';
import { restoreApplied, restoreHeld } from '../backup/exchange.js';
import { GATEWAY_LOG, TOTP_LOG, type GivenUp } from '../heads/heads.js';
import { listSegments, logDirOf, readSegment } from '../heads/segments.js';
import type { Changes } from '../operators/changes.js';
import type { Desk } from '../operators/desk.js';
import { claimGrant } from '../operators/grants.js';
import { openOperation, takeOperation } from '../operators/operations.js';
import { requireOpen, type House } from '../operators/house.js';
import { dropEarlierKeys } from '../operators/rotate.js';
import { freezeOf } from '../presence/freeze.js';
import type { OpenReleases } from '../release/open-releases.js';
import { signGatewayHead } from './head-sign.js';
import { putBackWatch } from './put-back.js';
import { createTicket, recordCommitted, recordRemoved, redeemAction, releaseLease, type RecordParams } from './records.js';
import { getRequest, openRequest, takeLease } from './requests.js';
import { recordsRewrapped, rewrapRecord } from './rewrap.js';

interface BridgeState {
  /** Nothing but `hello` is permitted before it. */
  isGreeted: boolean;
}

type BridgeConnection = Connection<BridgeState>;

/** A lock, and beside it what presence freezes. */
const frozenView = ({ locked, presence }: Freeze): Pick<BridgeHelloResult['operators'][number], 'locked' | 'presence'> => ({
  locked,
  ...(presence.length === 0 ? {} : { presence }),
});

const toldOf = ({ id, size, hash }: GivenUp): BegunAnew => ({ id, size, hash });

/** Told until the first head of the new log is signed; of the own log as long as it is the newest that happened to it. */
const anewOf = ({ heads }: House): Pick<BridgeHelloResult, 'begunAnew' | 'ownBegunAnew'> => {
  const [gateway, own] = [heads.note(GATEWAY_LOG) === null ? heads.givenUp(GATEWAY_LOG) : null, heads.givenUp(TOTP_LOG)];
  return {
    ...(gateway === null ? {} : { begunAnew: toldOf(gateway) }),
    ...(own === null ? {} : { ownBegunAnew: toldOf(own) }),
  };
};

const helloResult = (house: House): BridgeHelloResult => {
  const desks = [...house.desks.values()];
  const { due } = readCounter(house.directory);
  return {
    bootId: house.bootId,
    kid: house.leaseKey.kid,
    operators: desks.map((desk) => ({
      operator: desk.operator,
      enrolled: desk.isEnrolled,
      ...frozenView(freezeOf(desk.state)),
      ...((desk.secrets?.totp.length ?? 0) > 1 ? { rewrap: true } : {}),
    })),
    leases: desks.flatMap((desk) => desk.state.leases),
    grants: desks.flatMap((desk) => desk.state.grants),
    head: house.heads.note(GATEWAY_LOG),
    ...anewOf(house),
    ...(due === null ? {} : { restored: due }),
  };
};

const sendLeaseKey = (house: House, connection: BridgeConnection): void => {
  const { bytes, kid, earlier } = house.leaseKey;
  const payload = Buffer.concat([packBlobs(bytes, Buffer.from(kid)), encodeEarlier(earlier)]);
  connection.sendBinary(FRAME.LEASE_KEY, payload);
  payload.fill(0);
};

const greeted = ({ isGreeted }: BridgeState): AirlockError | null =>
  isGreeted ? null : new AirlockError('NOT_AUTHENTICATED', 'hello comes first');

/** A method that works on what is in force now. The schema has checked the parameters. */
const method = (house: House, name: string, answer: (house: House, params: never) => unknown): MethodEntry<BridgeState> => ({
  params: validatorOf(`bridge.${name}`),
  permitted: greeted,
  handle: (params) => {
    requireOpen(house);
    for (const desk of house.desks.values()) desk.settle();
    return answer(house, params as never);
  },
});

const hello = (house: House, look: (held: HeldHead) => void): MethodEntry<BridgeState> => ({
  params: validatorOf('bridge.hello'),
  permitted: always,
  handle: (params, { connection, state }) => {
    requireOpen(house);
    for (const desk of house.desks.values()) desk.settle();
    look(params);
    state.isGreeted = true;
    // The answer is queued when this returns; the key follows it.
    process.nextTick(() => sendLeaseKey(house, connection));
    return helloResult(house);
  },
});

/** This daemon's log, for the sinks: the gateway passes it on (docs/spec/sinks.md SINK-7). */
const logMethods = (house: House): Readonly<Record<string, MethodEntry<BridgeState>>> => {
  const dir = logDirOf(house.directory.path);
  const entry = (schema: string, handle: (params: never) => unknown): MethodEntry<BridgeState> => ({
    params: validatorOf(schema),
    permitted: greeted,
    handle: (params) => handle(params as never),
  });
  return {
    'log.segments': entry('log.segments', () => ({ segments: listSegments(dir) })),
    'log.read': entry('log.read', ({ segment, offset }: { readonly segment: string; readonly offset: number }) =>
      readSegment(dir, segment, offset),
    ),
  };
};

const tableOf = (house: House, releases: OpenReleases): Readonly<Record<string, MethodEntry<BridgeState>>> => ({
  hello: hello(house, putBackWatch(house)),
  heartbeat: method(house, 'heartbeat', () => ({})),
  'request.open': method(house, 'request.open', openRequest),
  'request.get': method(house, 'request.get', getRequest),
  'request.take': method(house, 'request.take', takeLease),
  'operation.open': method(house, 'operation.open', openOperation),
  'operation.take': method(house, 'operation.take', takeOperation),
  'grant.claim': method(house, 'grant.claim', claimGrant),
  'ticket.create': method(house, 'ticket.create', createTicket),
  'action.redeem': method(house, 'action.redeem', redeemAction),
  'record.committed': method(house, 'record.committed', recordCommitted),
  'record.rewrap': method(house, 'record.rewrap', rewrapRecord),
  'records.rewrapped': method(house, 'records.rewrapped', recordsRewrapped),
  'record.removed': method(house, 'record.removed', (_, params: RecordParams) => recordRemoved(house, releases, params)),
  'lease.release': method(house, 'lease.release', releaseLease),
  'restore.held': method(house, 'restore.held', restoreHeld),
  'restore.applied': method(house, 'restore.applied', restoreApplied),
  'head.sign': method(house, 'head.sign', signGatewayHead),
  ...logMethods(house),
});

/** What the gateway is told of a change, in the order in which it matters: what ends first. */
export const notificationsOf = ({ operator }: Desk, changes: Changes): BridgeNotification[] => [
  ...(changes.freeze === null ? [] : [{ method: 'locked' as const, params: { operator, ...frozenView(changes.freeze) } }]),
  ...(changes.marked.length === 0 ? [] : [{ method: 'lease.marked' as const, params: { leases: changes.marked } }]),
  ...changes.ended.map(({ id }) => ({ method: 'lease.ended' as const, params: { lease: id, why: changes.why } })),
  ...changes.endedGrants.map(({ id }) => ({
    method: 'grant.ended' as const,
    params: { grant: id, why: changes.grantWhy },
  })),
  ...changes.granted.map((grant) => ({ method: 'grant.issued' as const, params: { grant } })),
  ...changes.issued.map(({ lease, request }) => ({ method: 'lease.issued' as const, params: { lease, request } })),
  ...changes.decided.map(({ id, status, reason }) => ({
    method: 'request.decided' as const,
    params: { operator, request: id, status, ...(reason === null ? {} : { reason }) },
  })),
  ...(changes.fronted === null
    ? []
    : [{ method: 'request.fronted' as const, params: { operator, request: changes.fronted.id, role: changes.fronted.role } }]),
];

export const serveBridge = (house: House, releases: OpenReleases, at: Listening): Promise<SocketServer<BridgeState>> => {
  let current: BridgeConnection | null = null;
  const tell = ({ method: name, params }: BridgeNotification): void => {
    if (current?.state.isGreeted === true) current.notify(name, params);
  };
  house.listeners.add((desk, changes) => {
    notificationsOf(desk, changes).forEach(tell);
    if (changes.ended.length > 0) dropEarlierKeys(house);
  });
  house.rotatedListeners.add(() => {
    if (current?.state.isGreeted === true) sendLeaseKey(house, current);
  });
  house.enrolledListeners.add((operator, enrolled) => tell({ method: 'enrolled', params: { operator, enrolled } }));
  return serveSocket<BridgeState>({
    ...at,
    name: 'bridge',
    table: tableOf(house, releases),
    limits: { idleTimeoutMs: Infinity },
    timers: house.timers,
    open: () => ({ isGreeted: false }),
    onOpen: (connection) => {
      current?.close(new AirlockError('UNAVAILABLE', 'another connection took its place'));
      current = connection;
    },
    onProtocolError: (_, error) => house.journal.note('protocol_error', { socket: 'bridge', code: error.code }),
    onClose: (connection) => {
      if (current === connection) current = null;
    },
  });
};
