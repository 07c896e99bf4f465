/** `airlock mcp --http` and `--ws`: one connection to the gateway, any number of clients on loopback. */
import { AirlockError, systemTimers } from '@airlock/protocol';
import { Broker, type BrokerOptions } from './broker.js';
import type { Authenticate } from './net/admission.js';
import { loadToken, secretCheck, tokenFile } from './net/bearer.js';
import { Endpoints } from './net/endpoints.js';
import { answerHttp } from './net/http.js';
import { NET_LIMITS, type NetLimits } from './net/limits.js';
import { listenLoopback, type Loopback } from './net/loopback.js';
import { openOAuth } from './oauth/routes.js';
import { announcer } from './serve.js';
import { OWN_NAMES } from './server.js';
import type { Listing } from './surface.js';
import { acceptWebSockets, upgradeRequired } from './ws/serve.js';

export interface NetworkOptions extends BrokerOptions {
  readonly version: string;
  /** Whether operations are listed one by one. */
  readonly tools?: Listing | undefined;
  /** Ports; 0 is any free one. Left out: not served. */
  readonly http?: number | undefined;
  readonly ws?: number | undefined;
  readonly tokenFile?: string | undefined;
  readonly limits?: Partial<NetLimits> | undefined;
  /** Shows a line to the human at the terminal: pairing letters, and who asks to sign in. */
  readonly say?: ((line: string) => void) | undefined;
}

/** What is served, until it is closed. */
export interface Network {
  /** Addresses of the endpoints for everything. */
  readonly http?: string;
  readonly ws?: string;
  readonly tokenFile: string;
  /** Releases every lease, tells every client, and closes. */
  close(): Promise<void>;
}

/** Whoever has the token of the file. */
const FILE_OWNER = 'file';

interface Parts {
  readonly broker: Broker;
  readonly endpoints: Endpoints;
  readonly limits: NetLimits;
  readonly authenticate: (token: string) => string | null;
}

const openParts = (options: NetworkOptions, path: string): Parts => {
  const uid = process.geteuid?.() ?? -1;
  const limits: NetLimits = { ...NET_LIMITS, ...options.limits };
  const isToken = secretCheck(loadToken(path, uid));
  const broker = new Broker(options, OWN_NAMES);
  const endpoints = new Endpoints(broker, { version: options.version, tools: options.tools, limits });
  broker.onChange = announcer(() => endpoints.toolsChanged(), broker.timers);
  return { broker, endpoints, limits, authenticate: (token) => (isToken(token) ? FILE_OWNER : null) };
};

const openHttp = async (port: number, { broker, ...parts }: Parts, say: (line: string) => void): Promise<Loopback> => {
  const { timers } = broker;
  const { endpoints, limits } = parts;
  let listened = port;
  const oauth = openOAuth({
    limits,
    timers,
    say,
    port: () => listened,
    recordCode: () => broker.recordCode(),
    onEnd: (owner) => void endpoints.sessions.close(owner),
  });
  const authenticate: Authenticate = (token, path) => parts.authenticate(token) ?? oauth.ownerOf(token, path);
  const answer = answerHttp({ endpoints, limits, timers, authenticate, sideRoutes: oauth.routes }, () => listened);
  const loopback = await listenLoopback(port, answer, limits);
  listened = loopback.port;
  return loopback;
};

const openWs = async (port: number, { broker: { timers }, ...parts }: Parts): Promise<Loopback> => {
  const loopback = await listenLoopback(port, upgradeRequired, parts.limits);
  const closeSockets = acceptWebSockets(loopback, { ...parts, timers });
  return {
    ...loopback,
    close: async () => {
      closeSockets();
      await loopback.close();
    },
  };
};

const silent = (): void => undefined;

const samePort = (): AirlockError =>
  new AirlockError('PARAMS_INVALID', 'HTTP and WebSocket need a port each', { hint: 'choose another port for --ws' });

/** Opens what is asked for. @throws AirlockError UNAVAILABLE where a port is taken, CONFIG_INVALID where the token file is not ours */
export const openNetwork = async (options: NetworkOptions): Promise<Network> => {
  if (options.http !== undefined && options.http !== 0 && options.http === options.ws) throw samePort();
  const path = options.tokenFile ?? tokenFile(options.env);
  const parts = openParts({ timers: systemTimers, ...options }, path);
  const opened: Loopback[] = [];
  const close = async (): Promise<void> => {
    await parts.broker.close();
    await parts.endpoints.close();
    await Promise.all(opened.map((loopback) => loopback.close()));
  };
  const keep = (loopback: Loopback, scheme: string): string => {
    opened.push(loopback);
    return `${scheme}://127.0.0.1:${loopback.port}/mcp`;
  };
  try {
    const http =
      options.http === undefined ? {} : { http: keep(await openHttp(options.http, parts, options.say ?? silent), 'http') };
    const ws = options.ws === undefined ? {} : { ws: keep(await openWs(options.ws, parts), 'ws') };
    parts.broker.open().catch(() => undefined);
    return { ...http, ...ws, tokenFile: path, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
};
