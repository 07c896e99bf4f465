/** `hello`: begins a session, or takes one up where `resume` names it. */
import type { Connection } from '@airlock/ipc';
import { AirlockError, LIMITS, OPERATOR_ROLE, type HelloParams, type HelloResult } from '@airlock/protocol';
import type { House, Peer } from '../house.js';
import { GATEWAY_LIMITS } from '../limits.js';
import { SERVER } from '../version.js';

/** @throws AirlockError NOT_AUTHENTICATED, RATE_LIMITED, CONFIG_INVALID for a role that is not configured. */
export const hello = (house: House, peer: Peer, connection: Connection<Peer>, { resume, client }: HelloParams): HelloResult => {
  if (peer.session !== null)
    throw new AirlockError('NOT_AUTHENTICATED', 'this connection has a session already', { hint: 'open another connection' });
  if (peer.role !== OPERATOR_ROLE && house.config.roles[peer.role] === undefined) throw unknownRole(peer.role);
  const { session, resume: secret } =
    resume === undefined ? house.sessions.create(peer) : { session: house.sessions.resume(peer, resume), resume };
  house.sessions.attach(session, connection);
  session.client = declaredClient(client);
  peer.session = session;
  return { server: SERVER, protocol: 1, role: peer.role, session: session.id, resume: secret, limits: limitsOf(house) };
};

/** `airlock 0.1.0`, `airlock mcp …`, `airlock-client`: the program, and nobody said for whom it speaks. */
const declaredClient = (client: string): string | null => (/^airlock($|[ -])/.test(client) ? null : client);

const limitsOf = ({ config }: House): HelloResult['limits'] => ({
  maxFrameInBytes: LIMITS.maxFrameInBytes,
  maxFrameOutBytes: LIMITS.maxFrameOutBytes,
  maxInFlight: LIMITS.maxInFlightPerConnection,
  defaultTtlS: config.leases.defaultTtlS,
  maxTtlS: config.leases.maxTtlS,
  maxWaitS: GATEWAY_LIMITS.maxWaitS,
});

const unknownRole = (role: string): AirlockError =>
  new AirlockError('CONFIG_INVALID', `role ${role} has a socket but is not configured`, {
    hint: `as root: airlock-ctl role add ${role} --user USER`,
  });
