/** Contexts, a host and callers that the tests of this package share. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { tmpdir } from 'node:os';
import {
  AirlockError,
  parseOrigin,
  systemClock,
  type ConnectorManifest,
  type Credential,
  type ErrorData,
  type Json,
} from '@airlock/protocol';
import { serveMcpHosts } from '@airlock/testkit';
import type { Test } from 'tap';
import type { Exchange, McpContext, McpOperationContext, McpSession } from '../src/contract.js';
import { openMcpSession } from '../src/session.js';

const manifest = (kind: string): ConnectorManifest => ({
  ...{ connector: 1, kind, title: 'MCP', module: 'mcp', summary: 'A test', settings: {}, credential: { fields: {} } },
  destination: { origins: [] },
  operations: [],
});

/** One slot's host, without walls, as in the development launcher. */
export const openHost = (t: Test): string => {
  const dir = mkdtempSync(join(tmpdir(), 'mh-'));
  const hosts = serveMcpHosts(dir, 1);
  t.teardown(() => {
    hosts.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return join(dir, 'mcp/0.sock');
};

export interface ProgramOptions {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly credential?: Credential;
  readonly origins?: readonly string[];
  readonly emit?: (event: Json) => void;
  readonly clock?: McpContext['clock'];
}

export const programContext = (hostSocket: string, options: ProgramOptions): McpContext => {
  const { argv, env = {}, credential = {}, origins = [], emit, clock = systemClock } = options;
  const destination = {
    kind: 'mcp',
    program: JSON.stringify({ argv, env }),
    origins: origins.map((one) => parseOrigin(one)),
    user: '',
  };
  return {
    ...{ manifest: manifest('mcp'), settings: {}, credential, clock, hostSocket, destination },
    ...(emit === undefined ? {} : { emit }),
  };
};

export const urlContext = (url: string, credential: Credential = {}, emit?: (event: Json) => void): McpContext => ({
  ...{ manifest: manifest('mcp-url'), settings: { url }, credential, clock: systemClock },
  destination: { kind: 'mcp-url', origins: [parseOrigin(new URL(url).origin)], user: '' },
  ...(emit === undefined ? {} : { emit }),
});

export const openProgram = (t: Test, options: ProgramOptions): McpSession => {
  const session = openMcpSession(programContext(openHost(t), options));
  t.teardown(() => session.close());
  return session;
};

/** A call with nobody to ask, and a deadline. */
export const quiet = (ms = 20_000): McpOperationContext => ({ signal: deadline(ms), constraints: {} });

/** Ends as a cell's does. */
export const deadline = (ms: number): AbortSignal => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new AirlockError('UPSTREAM_TIMEOUT', 'too long')), ms).unref();
  return controller.signal;
};

export interface Heard {
  readonly notices: { readonly method: string; readonly params: Json }[];
  readonly asks: { readonly method: string; readonly params: Json }[];
}

/** A call of a client that can be asked. */
export const talking = (
  mcp: Readonly<Record<string, Json>>,
  answers: (method: string, params: Json) => Json = () => ({}),
): { readonly context: McpOperationContext; readonly heard: Heard } => {
  const heard: Heard = { notices: [], asks: [] };
  const exchange: Exchange = {
    mcp: { revision: '2025-11-25', ...mcp },
    notify: (method, params) => void heard.notices.push({ method, params }),
    ask: (method, params) => {
      heard.asks.push({ method, params });
      return Promise.resolve(answers(method, params));
    },
  };
  return { context: { ...quiet(), exchange }, heard };
};

/** What an AirlockError says. @throws Error where nothing is thrown */
export const refusal = async (work: Promise<unknown>): Promise<ErrorData> => {
  try {
    await work;
  } catch (thrown) {
    if (thrown instanceof AirlockError) return thrown.data;
    throw thrown;
  }
  throw new Error('nothing was refused');
};

const require = createRequire(import.meta.url);

/** The program of a server that npm installed. */
export const serverProgram = (name: string): string => {
  const manifestFile = require.resolve(`@modelcontextprotocol/${name}/package.json`);
  const { bin } = require(manifestFile) as { bin: Readonly<Record<string, string>> };
  return join(dirname(manifestFile), Object.values(bin)[0] ?? '');
};
