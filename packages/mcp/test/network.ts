/** Servers on loopback in this process, against a scripted gateway, and the official client on them. */
import { readFileSync } from 'node:fs';
import { request, type IncomingHttpHeaders } from 'node:http';
import { FakeGateway, type FakeOptions } from '@airlock/client/test/fake-gateway';
import { Client, StreamableHTTPClientTransport, type JSONRPCMessage, type Transport } from '@modelcontextprotocol/client';
import type { Test } from 'tap';
import WebSocket from 'ws';
import { openNetwork, type Network, type NetworkOptions } from '../src/index.js';

export const MODERN = '2026-07-28';
export const REVISIONS = [MODERN, '2025-11-25'] as const;
export type Revision = (typeof REVISIONS)[number];

export interface House {
  readonly gateway: FakeGateway;
  readonly network: Network;
  readonly token: string;
  readonly url: URL;
  readonly port: number;
}

export interface HouseOptions extends FakeOptions, Partial<Omit<NetworkOptions, 'client' | 'env' | 'role'>> {
  readonly down?: boolean;
}

/** A started server on a free port. */
export const openHouse = async (test: Test, options: HouseOptions = {}): Promise<House> => {
  const { down, role, mode, services, dir, ...network } = options;
  const gateway = new FakeGateway({
    ...(role === undefined ? {} : { role }),
    ...(mode === undefined ? {} : { mode }),
    ...(services === undefined ? {} : { services }),
    ...(dir === undefined ? {} : { dir }),
  });
  if (down !== true) await gateway.start();
  const served = await openNetwork({ env: gateway.env, client: 'test', version: '0.0.0', http: 0, ...network });
  test.teardown(async () => {
    await served.close();
    await gateway.remove();
  });
  const url = new URL(served.http ?? served.ws ?? '');
  const token = readFileSync(served.tokenFile, 'utf8').trim();
  return { gateway, network: served, token, url, port: Number(url.port) };
};

export interface Answer {
  readonly isError: boolean;
  readonly text: string;
  readonly structured: Record<string, unknown>;
}

export interface Connected {
  readonly client: Client;
  readonly changes: () => number;
  /** Waits for a further change of tools than `after`. */
  readonly changed: (after: number) => Promise<void>;
  readonly tool: (name: string, args?: Record<string, unknown>) => Promise<Answer>;
}

export const callTool = async (client: Client, name: string, args: Record<string, unknown> = {}): Promise<Answer> => {
  const { content, structuredContent, isError } = await client.callTool({ name, arguments: args });
  const [first] = content;
  const text = first?.type === 'text' ? first.text : '';
  return { isError: isError === true, text, structured: (structuredContent ?? {}) as Record<string, unknown> };
};

/** The official client over a transport, in one revision. */
export const connectClient = async (test: Test, transport: Transport, revision: Revision): Promise<Connected> => {
  let count = 0;
  const wakers = new Set<() => void>();
  const told = (): void => {
    count += 1;
    for (const wake of wakers) wake();
  };
  const client = new Client(
    { name: 'test', version: '1' },
    {
      versionNegotiation: { mode: revision === MODERN ? { pin: MODERN } : 'legacy' },
      listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: told } },
    },
  );
  await client.connect(transport);
  test.teardown(() => client.close());
  const changed = async (after: number): Promise<void> => {
    while (count <= after) await new Promise<void>((resolve) => wakers.add(resolve));
  };
  return { client, changes: () => count, changed, tool: (name, args) => callTool(client, name, args) };
};

export const httpTransport = (url: URL, token: string): StreamableHTTPClientTransport =>
  new StreamableHTTPClientTransport(url, { requestInit: { headers: { authorization: `Bearer ${token}` } } });

/** A client's side of the WebSocket transport; the SDK has none. */
export class WsClientTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly socket: WebSocket;

  constructor(url: string, token: string, protocols: readonly string[] = ['mcp']) {
    this.socket = new WebSocket(url, [...protocols], { headers: { authorization: `Bearer ${token}` } });
  }

  start(): Promise<void> {
    this.socket.on('message', (data: Buffer) => this.onmessage?.(JSON.parse(data.toString('utf8')) as JSONRPCMessage));
    this.socket.on('close', () => this.onclose?.());
    return new Promise((resolve, reject) => {
      this.socket.once('open', resolve);
      this.socket.once('error', reject);
    });
  }

  send(message: JSONRPCMessage): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.send(JSON.stringify(message), (error) => (error ? reject(error) : resolve()));
    });
  }

  close(): Promise<void> {
    this.socket.close();
    return Promise.resolve();
  }
}

export interface RawResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: unknown;
}

export interface RawRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string | readonly string[]>;
  readonly body?: string | Buffer;
  readonly host?: string;
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

/** As node takes them to send a header several times; host and length are then ours to write. */
const flat = (headers: NonNullable<RawRequest['headers']>, port: number, length: number): string[] => {
  const all = { host: `127.0.0.1:${port}`, 'content-length': String(length), connection: 'close', ...headers };
  return Object.entries(all).flatMap(([name, value]) => [value].flat().flatMap((one) => [name, one]));
};

/** One request as it is written here, with headers a client library would not send. */
export const raw = (port: number, options: RawRequest): Promise<RawResponse> =>
  new Promise((resolve, reject) => {
    const { method = 'POST', path = '/mcp', headers = {}, body = '', host = '127.0.0.1' } = options;
    const hasSeveral = Object.values(headers).some((value) => typeof value !== 'string');
    const sent = hasSeveral ? flat(headers, port, Buffer.byteLength(body)) : (headers as Record<string, string>);
    const req = request({ host, port, method, path, headers: sent, agent: false }, (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (chunk: string) => (text += chunk));
      res.on('error', reject);
      res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, text, json: parsed(text) }));
    });
    req.on('error', reject);
    req.end(body);
  });

/** Headers of a good request of a client. */
export const goodHeaders = (token: string): Record<string, string> => ({
  authorization: `Bearer ${token}`,
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
});

export const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
});
