/** Servers of hostile fixtures: bytes as they are, and a count of what is still connected. */
import { createServer, type AddressInfo, type Socket } from 'node:net';

export interface Served {
  /** Ask this. */
  readonly url: string;
  /** Connections that the client has not closed. */
  open(): number;
  close(): Promise<void>;
}

/** What a server does with one connection once a request has come. */
export type Attack = (socket: Socket, request: string, port: number) => void;

/** Listens on a free port of 127.0.0.1 and answers every request with the attack. */
export const serveRaw = async (attack: Attack, path = '/'): Promise<Served> => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    socket.on('data', (bytes: Buffer) => attack(socket, bytes.toString('latin1'), (server.address() as AddressInfo).port));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${path}`,
    open: () => sockets.size,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
};

/** Writes pieces for as long as they are taken. */
export const pour = (socket: Socket, piece: () => string | Buffer): void => {
  const more = (): void => {
    while (!socket.destroyed && socket.write(piece()));
  };
  socket.on('drain', more);
  more();
};

/** Writes a piece every `everyMs`, without end. */
export const drip = (socket: Socket, everyMs: number, piece: string): void => {
  const timer = setInterval(() => socket.write(piece), everyMs);
  socket.once('close', () => clearInterval(timer));
};
