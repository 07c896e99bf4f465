/**
 * Listens on both loopback addresses, and on no other.
 *
 * NET-8 the port is taken on 127.0.0.1 and on ::1, or the server does not start: whoever had the other one would be
 *       sent the token of clients that say localhost.
 */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AirlockError } from '@airlock/protocol';
import type { NetLimits } from './limits.js';

const IPV4 = '127.0.0.1';
const IPV6 = '::1';
/** A machine without IPv6 has nobody on ::1. */
const NO_IPV6 = ['EADDRNOTAVAIL', 'EAFNOSUPPORT'];
/** A free port of IPv4 may be taken on IPv6; another is free on both. */
const MAX_TRIES = 16;

export interface Loopback {
  readonly port: number;
  readonly servers: readonly Server[];
  close(): Promise<void>;
}

const listen = (server: Server, port: number, host: string): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, ipv6Only: true, exclusive: true }, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });

const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

const codeOf = (thrown: unknown): string => (thrown as NodeJS.ErrnoException | null)?.code ?? 'unknown';

const cannotListen = (port: number, host: string, code: string): AirlockError =>
  new AirlockError('UNAVAILABLE', `cannot listen on ${host} port ${port} (${code})`, {
    retry: 'with-change',
    hint:
      code === 'EADDRINUSE'
        ? `another program has it (ss -ltnp "sport = :${port}" names it); choose another port, or 0 for any free one`
        : 'choose a port above 1023, or 0 for any free one',
  });

/** A server with every limit set that node:http has. */
const boundedServer = (listener: RequestListener, limits: NetLimits): Server => {
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: limits.checkMs,
      requireHostHeader: true,
      noDelay: true,
    },
    listener,
  );
  server.maxHeadersCount = limits.headers;
  server.maxConnections = limits.connections;
  return server;
};

const openBoth = async (port: number, make: () => Server): Promise<Loopback | null> => {
  const first = make();
  const second = make();
  const taken = await listen(first, port, IPV4).catch((thrown: unknown) => {
    throw cannotListen(port, IPV4, codeOf(thrown));
  });
  try {
    await listen(second, taken, IPV6);
  } catch (thrown) {
    const code = codeOf(thrown);
    if (NO_IPV6.includes(code)) return { port: taken, servers: [first], close: () => closeServer(first) };
    await closeServer(first);
    if (port === 0 && code === 'EADDRINUSE') return null;
    throw cannotListen(taken, IPV6, code);
  }
  const close = async (): Promise<void> => {
    await Promise.all([closeServer(first), closeServer(second)]);
  };
  return { port: taken, servers: [first, second], close };
};

/** NET-8. Port 0 is any that is free on both. @throws AirlockError UNAVAILABLE with what to do */
export const listenLoopback = async (port: number, listener: RequestListener, limits: NetLimits): Promise<Loopback> => {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const opened = await openBoth(port, () => boundedServer(listener, limits));
    if (opened !== null) return opened;
  }
  throw cannotListen(port, IPV6, 'EADDRINUSE');
};
