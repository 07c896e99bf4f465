/**
 * The network that a walled-off server sees: a name server, and one listener for each declared origin.
 *
 * UPSTREAM-3  Nothing is connected to from here; each connection is handed to the cell.
 */
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { answerDns } from './dns.js';

export interface Place {
  readonly host: string;
  readonly port: number;
  /** Where the server finds it. */
  readonly address: string;
}

const LOOPBACK = /^127(?:\.[0-9]{1,3}){3}$/;
const LITERAL = /^[0-9.]+$|:/;

/** Each name has an address of its own; loopback stays what it is. @throws Error for what cannot be given a place here. */
export const placesOf = (origins: readonly string[]): readonly Place[] => {
  const addresses = new Map<string, string>();
  return origins.map((origin) => {
    const [, host = '', port = ''] = /^[a-z]+:\/\/([a-z0-9._-]+):([0-9]{1,5})$/.exec(origin) ?? [];
    if (host === '' || (LITERAL.test(host) && !LOOPBACK.test(host)))
      throw new Error('an origin that is an address cannot be reached from here; declare its name');
    const own = LOOPBACK.test(host) ? host : host === 'localhost' ? '127.0.0.1' : undefined;
    const address = own ?? addresses.get(host) ?? `127.0.1.${addresses.size + 1}`;
    addresses.set(host, address);
    return { host, port: Number(port), address };
  });
};

export interface Network {
  close(): void;
}

const listen = async ({ address, port }: Place, onConnection: (socket: Socket) => void): Promise<Server> => {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, onConnection);
  server.listen(port, address);
  await once(server, 'listening');
  return server;
};

const serveDns = async (places: readonly Place[]): Promise<DatagramSocket> => {
  const names = new Map(places.map(({ host, address }) => [host, address]));
  const socket = createSocket('udp4');
  socket.on('message', (query, { port, address }) => {
    const answer = answerDns(query, names);
    if (answer !== null) socket.send(answer, port, address);
  });
  socket.bind(53, '127.0.0.1');
  await once(socket, 'listening');
  socket.on('error', () => undefined);
  return socket;
};

/** @throws Error where a port cannot be had, as without a namespace of one's own */
export const openNetwork = async (
  places: readonly Place[],
  onConnection: (socket: Socket, place: Place) => void,
): Promise<Network> => {
  const dns = await serveDns(places);
  const servers = await Promise.all(places.map((place) => listen(place, (socket) => onConnection(socket, place))));
  return {
    close: () => {
      dns.close();
      for (const server of servers) server.close();
    },
  };
};
