/**
 * The methods of agent/ROLE.sock, and under role `operator` of operator/OP.sock.
 *
 * AGENT-1  nothing is permitted before hello, and nothing at all while sealed.
 * AGENT-2  every refusal is recorded; a method that takes a code does not exist here (CODE-1).
 */
import type { CallContext, MethodEntry, MethodTable } from '@airlock/ipc';
import {
  AirlockError,
  asAirlockError,
  validatorOf,
  type AccessRequestParams,
  type CallParams,
  type CallResult,
  type HelloParams,
} from '@airlock/protocol';
import { call } from '../call/call.js';
import { found } from '../call/question.js';
import type { Channel } from '../exchange/channel.js';
import { callCancel, callReply, replyHoldsCode, talkHoldsCode } from '../exchange/methods.js';
import type { House, Peer } from '../house.js';
import { callResult } from '../operations/result.js';
import type { Identity, Listener, Session } from '../sessions/sessions.js';
import { accessClaim } from './access-claim.js';
import { accessRelease } from './access-release.js';
import { accessRequest } from './access-request.js';
import { accessStatus } from './access-status.js';
import { accessWait } from './access-wait.js';
import { CODE_METHODS, codeRefused, holdsCode } from './code-guard.js';
import { hello } from './hello.js';
import { refused, refusedUncounted } from './refuse.js';
import { servicesList } from './services-list.js';
import { toolsDescribe, toolsSearch } from './tools.js';

type Handle = (house: House, session: Session, params: never) => unknown;

const HANDLERS: Readonly<Record<string, Handle>> = {
  'services.list': (house, session) => servicesList(house, session),
  'tools.search': (house, session, { query }: { query: string }) => toolsSearch(house, session, query),
  'tools.describe': (house, session, { names }: { names: readonly string[] }) => toolsDescribe(house, session, names),
  'access.request': (house, session, params: AccessRequestParams) => accessRequest(house, session, params),
  'access.wait': (house, session, params: { request: string; timeoutS: number }) => accessWait(house, session, params),
  'access.claim': (house, session, params: { grant: string }) => accessClaim(house, session, params),
  'access.release': (house, session, { lease }: { lease: string }) => accessRelease(house, session, lease),
  'access.status': (house, session) => accessStatus(house, session),
  'call.result': (house, session, { request }: { request: string }) => callResult(house, session, request),
};

/** Where codes may not be, by method. */
const LOOKS: Readonly<Record<string, (params: object) => boolean>> = { call: talkHoldsCode, 'call.reply': replyHoldsCode };

/** Parameters against CODE-2 first, so that a code in a field that does not exist is named for what it is. */
const guardedParams = (house: House, identity: Identity, method: string): MethodEntry<Peer>['params'] => {
  const validate = validatorOf(`agent.${method}`);
  const looks = LOOKS[method] ?? holdsCode;
  return (params, peer) => {
    const problem = looks(params as object) ? codeRefused() : validate(params);
    return problem === null ? null : refused(house, identity, problem, { method, ...sessionField(peer) });
  };
};

const sessionField = ({ session }: Peer): { readonly session?: string } => (session === null ? {} : { session: session.id });

const noSession = (): AirlockError => new AirlockError('NOT_AUTHENTICATED', 'this connection has no session yet');

/** AGENT-1, ANOM-4. */
const afterHello =
  (house: House, identity: Identity, method: string) =>
  (peer: Peer): AirlockError | null => {
    const problem =
      house.sealed() ??
      (peer.session === null ? noSession() : house.watch.refusal({ role: peer.role, session: peer.session.id }, method));
    return problem === null ? null : refused(house, identity, problem, sessionField(peer));
  };

/** `permitted` has seen a session before any of this runs. */
const sessionOf = ({ session }: Peer): Session => found(session);

const helloEntry = (house: House, identity: Identity): MethodEntry<Peer> => ({
  params: guardedParams(house, identity, 'hello'),
  permitted: () => house.sealed(),
  handle: (params, { connection, state }: CallContext<Peer>) => {
    try {
      return hello(house, state, connection, params as HelloParams);
    } catch (thrown) {
      throw refused(house, identity, thrown, { method: 'hello' });
    }
  },
});

/** What waits is not refused; an outcome has a record of its own. */
const isNoRefusal = (thrown: unknown): boolean =>
  thrown instanceof AirlockError && (thrown.code === 'APPROVAL_PENDING' || thrown.data.audit !== undefined);

/** Anything but `call`, which records for itself. */
const entry = (house: House, identity: Identity, method: string, handle: Handle): MethodEntry<Peer> => ({
  params: guardedParams(house, identity, method),
  permitted: afterHello(house, identity, method),
  handle: async (params, { state }) => {
    const session = sessionOf(state);
    try {
      return await handle(house, session, params as never);
    } catch (thrown) {
      if (isNoRefusal(thrown)) throw thrown;
      throw refused(house, identity, thrown, { method, session: session.id }, JSON.stringify(params));
    }
  },
});

const callEntry = (house: House, identity: Identity): MethodEntry<Peer> => ({
  params: guardedParams(house, identity, 'call'),
  permitted: afterHello(house, identity, 'call'),
  handle: (params, { state, connection }) => {
    const session = sessionOf(state);
    const blocked = house.watch.calling({ role: session.role, operator: session.operator, session: session.id });
    if (blocked !== null) throw refused(house, identity, blocked, { method: 'call', session: session.id });
    return callOn(house, session, connection, params as CallParams);
  },
});

/** A call with a channel of its own, where it asks for one. */
const callOn = (house: House, session: Session, listener: Listener, params: CallParams): Promise<CallResult> => {
  let channel: Channel | null;
  try {
    channel = house.channels.open(session, listener, params);
  } catch (thrown) {
    throw refused(house, session, thrown, { method: 'call', session: session.id });
  }
  if (channel === null) return call(house, session, params);
  const opened = channel;
  return call(house, session, params, opened).finally(() => house.channels.close(session, opened));
};

type Reply = (house: House, session: Session, listener: Listener, params: never) => unknown;

/** Of a call in flight. What comes too late is what any agent may send, so it counts as nothing (ANOM-2). */
const exchangeEntry = (house: House, identity: Identity, method: string, reply: Reply): MethodEntry<Peer> => ({
  params: guardedParams(house, identity, method),
  permitted: afterHello(house, identity, method),
  handle: async (params, { state, connection }) => {
    const session = sessionOf(state);
    try {
      return await reply(house, session, connection, params as never);
    } catch (thrown) {
      throw refusedUncounted(house, identity, asAirlockError(thrown), { method, session: session.id });
    }
  },
});

const refuseCode = (house: House, identity: Identity, method: string): MethodEntry<Peer> => ({
  // Only where a code comes with it, one was offered.
  params: (params, peer) =>
    (holdsCode(params) ? refused : refusedUncounted)(house, identity, codeRefused(), { method, ...sessionField(peer) }),
  permitted: () => null,
  handle: () => {
    throw codeRefused();
  },
});

/** One table a socket, since its role is recorded with each refusal. */
export const agentTable = (house: House, identity: Identity): MethodTable<Peer> => {
  const table: Record<string, MethodEntry<Peer>> = { hello: helloEntry(house, identity), call: callEntry(house, identity) };
  table['call.reply'] = exchangeEntry(house, identity, 'call.reply', callReply);
  table['call.cancel'] = exchangeEntry(house, identity, 'call.cancel', callCancel);
  for (const [method, handle] of Object.entries(HANDLERS)) table[method] = entry(house, identity, method, handle);
  for (const method of CODE_METHODS) {
    // Not enumerable: METHOD_UNKNOWN lists what there is, and these are no methods.
    Object.defineProperty(table, method, { value: refuseCode(house, identity, method), enumerable: false });
  }
  return table;
};
