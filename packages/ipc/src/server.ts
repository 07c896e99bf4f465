/** A listening Unix socket, inherited or bound: connections, their caps, and the state each begins with. */
import { createServer, type Server, type Socket } from 'node:net';
import { AirlockError, asAirlockError, systemTimers, type Timers } from '@airlock/protocol';
import { Connection, type ConnectionEvents } from './connection.js';
import type { InFlight } from './dispatcher.js';
import { SERVER_LIMITS, type SocketLimits } from './limits.js';
import type { SocketMemory } from './memory.js';
import { errorText } from './message.js';
import type { MethodTable, NotificationTable } from './table.js';

/** Where to listen: a descriptor somebody else bound, or a path this process binds (tests, the launcher). */
export type Listening = { readonly fd: number } | { readonly path: string };

export type ServeOptions<S> = Listening &
  ConnectionEvents<S> & {
    /** For messages: `agent/mail`. */
    readonly name: string;
    readonly table: MethodTable<S>;
    /** What the other side may tell without being asked. None by default. */
    readonly notifications?: NotificationTable<S>;
    /** The state of a new connection. What it throws is told to the peer and ends it. */
    readonly open: (peer: { readonly socket: string }) => S;
    /** After the connection exists: for greetings, and for keeping it where notifications are sent from. */
    readonly onOpen?: (connection: Connection<S>) => void;
    readonly limits?: Partial<SocketLimits>;
    readonly timers?: Timers;
    /** Default true: a peer that sent its last byte still gets its answers. A cell's peer that ends is gone. */
    readonly allowHalfOpen?: boolean;
  };

export interface SocketServer<S> {
  readonly name: string;
  readonly connections: ReadonlySet<Connection<S>>;
  /** Takes no new connection; those there are go on. Synchronous: a cell calls it in its first `open`. */
  stopListening(): void;
  /** Stops listening and ends every connection with the reason. */
  close(reason?: AirlockError): Promise<void>;
}

/** Says why and ends: a connection that is not served. A socket of binary frames alone ends without a word. */
const turnAway = (socket: Socket, error: AirlockError, limits: SocketLimits): void => {
  socket.on('error', () => socket.destroy());
  socket.end(limits.maxFrameInBytes > 0 ? errorText(null, error) : '', () => socket.destroy());
};

const listen = (server: Server, at: Listening): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen('fd' in at ? { fd: at.fd } : { path: at.path }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });

const closed = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

/** The events of a connection, and its end noted in the set. */
const eventsOf = <S>(options: ServeOptions<S>, connections: Set<Connection<S>>): ConnectionEvents<S> => ({
  onProtocolError: options.onProtocolError,
  onInternalError: options.onInternalError,
  onBinary: options.onBinary,
  onEnding: options.onEnding,
  onClose: (connection, reason) => {
    connections.delete(connection);
    options.onClose?.(connection, reason);
  },
});

/** @throws AirlockError where the socket is full or `open` refuses. */
const openState = <S>(options: ServeOptions<S>, count: number, limits: SocketLimits): S => {
  if (count >= limits.maxConnections) {
    const hint = 'close connections that are not used, then connect again';
    throw new AirlockError('UNAVAILABLE', `the socket has ${limits.maxConnections} connections, its limit`, { hint });
  }
  return options.open({ socket: options.name });
};

/**
 * Serves until closed.
 * @throws Error of the system where the descriptor or path cannot be listened on.
 */
export const serveSocket = async <S>(options: ServeOptions<S>): Promise<SocketServer<S>> => {
  const limits: SocketLimits = { ...SERVER_LIMITS, ...options.limits };
  const timers = options.timers ?? systemTimers;
  const inFlight: InFlight = { count: 0 };
  const memory: SocketMemory = { bytes: 0 };
  const connections = new Set<Connection<S>>();
  const events = eventsOf(options, connections);
  const shared = { limits, timers, inFlight, memory, events, table: options.table, notifications: options.notifications ?? {} };

  const accept = (socket: Socket): void => {
    try {
      const state = openState(options, connections.size, limits);
      const connection = new Connection(socket, { ...shared, state, answersErrors: true });
      connections.add(connection);
      options.onOpen?.(connection);
    } catch (thrown) {
      if (!(thrown instanceof AirlockError)) options.onInternalError?.('open', thrown);
      turnAway(socket, asAirlockError(thrown), limits);
    }
  };

  const server = createServer({ allowHalfOpen: options.allowHalfOpen ?? true }, accept);
  await listen(server, options);
  server.on('error', (error) => options.onInternalError?.('accept', error));
  return {
    name: options.name,
    connections,
    stopListening: () => void server.close(),
    close: async (reason) => {
      const done = closed(server);
      for (const connection of [...connections]) connection.close(reason);
      await done;
    },
  };
};
