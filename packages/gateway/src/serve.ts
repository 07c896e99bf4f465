/** The sockets: who somebody is stands in the name of the socket, and nowhere else. */
import { serveSocket, type Connection, type ConnectionEvents, type Listening, type SocketServer } from '@airlock/ipc';
import { OPERATOR_ROLE, isName } from '@airlock/protocol';
import { agentTable } from './agent/table.js';
import type { House, Peer } from './house.js';
import { EXPORT_SOCKET, serveExport } from './journal/export-socket.js';
import { operatorTable } from './operator/table.js';
import type { Identity, Listener } from './sessions/sessions.js';

const listenerOf = (connection: Connection<Peer>): Listener => connection;

/** Ends, breaches and defects of a connection, for the record. No text of a frame is in any of them. */
const eventsOf = (house: House, socket: string, identity: Identity): ConnectionEvents<Peer> => ({
  onClose: (connection) => {
    const { session } = connection.state;
    if (session !== null) house.sessions.detach(session, listenerOf(connection));
    house.followers.remove(listenerOf(connection));
    house.channels.disconnect(listenerOf(connection));
  },
  onEnding: (connection) => house.channels.disconnect(listenerOf(connection)),
  onProtocolError: (_connection, error) => house.journal.violation(identity.role, error.code, { socket }),
  onInternalError: (method, thrown) =>
    house.options.log(
      `internal error in ${method} on ${socket}: ${thrown instanceof Error ? (thrown.stack ?? thrown.name) : typeof thrown}`,
    ),
});

const serve = (house: House, socket: string, at: Listening): Promise<SocketServer<Peer>> | null => {
  const [kind, name = ''] = socket.split('/');
  if (socket === EXPORT_SOCKET) return serveExport(house, at);
  if (!isName(name) || (kind !== 'agent' && kind !== 'operator')) {
    house.options.log(`a socket called ${socket} is not ours; it is not served`);
    return null;
  }
  const isOperator = kind === 'operator';
  const identity: Identity = isOperator
    ? { role: OPERATOR_ROLE, operator: name }
    : { role: name, operator: house.config.roles[name]?.operator ?? '' };
  return serveSocket<Peer>({
    ...at,
    ...eventsOf(house, socket, identity),
    name: socket,
    timers: house.timers,
    table: isOperator ? operatorTable(house, identity) : agentTable(house, identity),
    open: () => ({ ...identity, session: null }),
  });
};

/** Each socket has limits of its own, so a flood on one leaves the others alone. */
export const serveAll = async (house: House): Promise<SocketServer<Peer>[]> => {
  const serving = [...house.options.sockets].map(([socket, at]) => serve(house, socket, at));
  return Promise.all(serving.filter((server) => server !== null));
};
