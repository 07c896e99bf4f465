/** The WebSocket transport, an extra beside the two transports of the specification: same checks, same token. */
import { STATUS_CODES, type IncomingMessage, type RequestListener } from 'node:http';
import type { Duplex } from 'node:stream';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { LIMITS, asAirlockError, type Timers } from '@airlock/protocol';
import { WebSocketServer, type WebSocket } from 'ws';
import { checkBearer, checkFront, type Authenticate } from '../net/admission.js';
import type { Endpoint } from '../net/endpoint.js';
import { serviceOfPath, type Endpoints } from '../net/endpoints.js';
import type { NetLimits } from '../net/limits.js';
import type { Loopback } from '../net/loopback.js';
import { headerValues } from '../net/node-http.js';
import { refusal, refusalOf } from '../net/refusal.js';
import { WebSocketTransport } from './transport.js';

const SUBPROTOCOL = 'mcp';
/** RFC 6455 §7.4.1. */
const CLOSE_GOING_AWAY = 1001;

export interface WsOptions {
  readonly endpoints: Endpoints;
  readonly authenticate: Authenticate;
  readonly limits: NetLimits;
  readonly timers: Timers;
}

/** What is asked without an upgrade. */
export const upgradeRequired: RequestListener = (_req, res) => {
  const error = {
    code: 'METHOD_UNKNOWN',
    message: 'this port speaks WebSocket',
    hint: 'connect to ws://…/mcp with subprotocol mcp',
  };
  res.writeHead(426, { 'content-type': 'application/json', connection: 'close', upgrade: 'websocket' });
  res.end(JSON.stringify({ error }));
};

/** A refusal before the handshake, as HTTP says it; the connection ends with it. */
const refuseUpgrade = async (socket: Duplex, response: Response): Promise<void> => {
  const body = await response.text();
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`);
  const head = [`HTTP/1.1 ${response.status} ${STATUS_CODES[response.status] ?? ''}`, ...headers, 'connection: close'];
  socket.end(`${[...head, `content-length: ${Buffer.byteLength(body)}`].join('\r\n')}\r\n\r\n${body}`);
};

/** The protocols a client offers, in its words. */
const offered = (req: IncomingMessage): readonly string[] =>
  headerValues(req, 'sec-websocket-protocol').flatMap((value) => value.split(',').map((name) => name.trim()));

const noSubprotocol = (): Response =>
  refusal(400, {
    code: 'PARAMS_INVALID',
    message: 'the subprotocol is missing',
    expected: SUBPROTOCOL,
    hint: 'offer subprotocol mcp',
  });

const tooMany = (): Response =>
  refusal(
    503,
    { code: 'RATE_LIMITED', message: 'too many connections', hint: 'close one, or try again later' },
    { 'retry-after': '5' },
  );

const notFound = (): Response =>
  refusal(404, { code: 'NOT_FOUND', message: 'there is nothing at this path', hint: 'use /mcp, or /mcp/SERVICE' });

/** Ends a peer that answers no ping. */
const watch = (socket: WebSocket, { limits, timers }: WsOptions): void => {
  let isAlive = true;
  const look = (): void => {
    if (!isAlive) return socket.terminate();
    isAlive = false;
    socket.ping();
    timer = timers.after(limits.pingMs, look);
  };
  let timer = timers.after(limits.pingMs, look);
  socket.on('pong', () => (isAlive = true));
  socket.once('close', () => timer.cancel());
};

/** Serves both revisions on one connection, which the first message decides. */
const serve = (socket: WebSocket, endpoint: Endpoint, options: WsOptions): void => {
  watch(socket, options);
  const { limits } = options;
  serveStdio(endpoint.connect, {
    transport: new WebSocketTransport(socket, limits.unsentBytes),
    maxSubscriptions: limits.subscriptions,
  });
};

/** The endpoint that is asked for, or why not. */
const admit = async (req: IncomingMessage, port: number, count: number, options: WsOptions): Promise<Endpoint | Response> => {
  const front = checkFront(req, port);
  if (front instanceof Response) return front;
  const admitted = checkBearer(req, front, options.authenticate);
  if (admitted instanceof Response) return admitted;
  const service = serviceOfPath(front.path);
  if (service === null) return notFound();
  if (!offered(req).includes(SUBPROTOCOL)) return noSubprotocol();
  if (count >= options.limits.sockets) return tooMany();
  try {
    return await options.endpoints.find(service);
  } catch (thrown) {
    const error = asAirlockError(thrown);
    return refusalOf(error.code === 'SERVICE_UNKNOWN' ? 404 : 503, error);
  }
};

/** Takes the upgrades of a server that listens. @returns what ends every connection */
export const acceptWebSockets = ({ port, servers }: Loopback, options: WsOptions): (() => void) => {
  const { limits } = options;
  const wss = new WebSocketServer({
    noServer: true,
    clientTracking: true,
    maxPayload: limits.bodyBytes,
    perMessageDeflate: false,
    handleProtocols: () => SUBPROTOCOL,
  });
  /** Between admission and handshake a connection counts too. */
  let opening = 0;
  const upgrade = async (req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    socket.on('error', () => undefined);
    opening += 1;
    try {
      const admitted = await admit(req, port, wss.clients.size + opening - 1, options);
      if (admitted instanceof Response) return await refuseUpgrade(socket, admitted);
      wss.handleUpgrade(req, socket, head, (client) => serve(client, admitted, options));
    } finally {
      opening -= 1;
    }
  };
  for (const server of servers) {
    server.on('upgrade', (req, socket, head) => void upgrade(req, socket, head).catch(() => socket.destroy()));
  }
  return () => {
    const clients = [...wss.clients];
    for (const client of clients) client.close(CLOSE_GOING_AWAY, 'airlock mcp stops');
    wss.close();
    options.timers.after(LIMITS.closeGraceMs, () => clients.forEach((client) => client.terminate()));
  };
};
