/**
 * `airlock mcp`: the MCP server on stdin and stdout, or on loopback ports. Its packages are loaded only here: they take
 * longer than a whole other command.
 */
import { AirlockError, clientName, isName } from '@airlock/client';
import { textOption, type Invocation } from '@airlock/protocol/command';
import type { Network, NetworkOptions, ServeMcpOptions } from '@airlock/mcp';
import type { Context } from '../context.js';
import { printNote, printResult, printable } from '../output.js';
import type { Command } from './command.js';

const MAX_PORT = 65_535;
/** What a service manager and a terminal send to end a program. */
const ENDINGS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** @throws AirlockError PARAMS_INVALID */
const parsePort = (flag: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : MAX_PORT + 1;
  if (port <= MAX_PORT) return port;
  const expected = `a port from 0 to ${MAX_PORT}`;
  throw new AirlockError('PARAMS_INVALID', `${flag}: expected ${expected}, found ${JSON.stringify(text.slice(0, 40))}`, {
    field: flag,
    expected,
    hint: `write for example: airlock mcp ${flag} 8722; 0 is any free one`,
  });
};

const LISTINGS = ['auto', 'all', 'meta'] as const;

/** @throws AirlockError PARAMS_INVALID */
const listingOf = (wanted = 'auto'): (typeof LISTINGS)[number] => {
  const listing = LISTINGS.find((one) => one === wanted);
  if (listing !== undefined) return listing;
  throw new AirlockError('PARAMS_INVALID', `--tools takes ${LISTINGS.join(', ')}`, {
    field: '--tools',
    expected: LISTINGS.join(', '),
    found: wanted.slice(0, 80),
    hint: 'leave it out: operations are listed up to 64 of them, and above that found by search_tools',
  });
};

/** @throws AirlockError PARAMS_INVALID */
const serviceOf = (name: string | undefined): string | undefined => {
  if (name === undefined || isName(name)) return name;
  throw new AirlockError('PARAMS_INVALID', '--service takes the name of a service', {
    field: '--service',
    found: name.slice(0, 80),
    hint: 'list them with: airlock services',
  });
};

const onStdioOnly = (service: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', '--service is for stdin and stdout', {
    field: '--service',
    hint: `leave it out: each service has an address of its own, ending in /mcp/${service}`,
  });

const optionsOf = ({ env, flags, version, timers }: Context, invocation: Invocation): ServeMcpOptions => ({
  env,
  socket: flags.socket,
  role: flags.role,
  client: clientName(env, `airlock mcp ${version}`),
  version,
  timers,
  tools: listingOf(textOption(invocation, 'tools')),
});

const untilEnded = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ENDINGS) process.once(signal, () => resolve());
  });

const describe = ({ http, ws, tokenFile }: Network): string =>
  [
    ...(http === undefined ? [] : [`HTTP       ${http}`, `           ${http}/SERVICE for one service`]),
    ...(ws === undefined ? [] : [`WebSocket  ${ws} (subprotocol mcp)`]),
    `token      ${tokenFile}`,
  ].join('\n');

const serveNetwork = async (context: Context, options: NetworkOptions): Promise<void> => {
  const { openNetwork } = await import('@airlock/mcp');
  const ended = untilEnded();
  const network = await openNetwork({ ...options, say: (line) => printNote(context.output, printable(line)) });
  const { http, ws, tokenFile } = network;
  printResult(context.output, { http, ws, tokenFile }, () => describe(network));
  printNote(context.output, 'clients send the token as "Authorization: Bearer TOKEN"; end with Ctrl-C');
  await ended;
  await network.close();
};

export const mcp = async (context: Context, invocation: Invocation): Promise<void> => {
  const options = optionsOf(context, invocation);
  const http = parsePort('--http', textOption(invocation, 'http'));
  const ws = parsePort('--ws', textOption(invocation, 'ws'));
  const tokenFile = textOption(invocation, 'tokenFile');
  const service = serviceOf(textOption(invocation, 'service'));
  if (http !== undefined || ws !== undefined) {
    if (service !== undefined) throw onStdioOnly(service);
    return serveNetwork(context, { ...options, http, ws, tokenFile });
  }
  if (tokenFile !== undefined) {
    throw new AirlockError('PARAMS_INVALID', '--token-file is for --http and --ws', {
      field: '--token-file',
      hint: 'leave it out, or add --http 0',
    });
  }
  const { serveMcp } = await import('@airlock/mcp');
  return serveMcp({ ...options, service });
};

export const MCP: Command = {
  name: 'mcp',
  summary: 'serve MCP on stdin and stdout, or on loopback ports',
  flags: [
    {
      flags: '--tools <which>',
      summary: 'auto: list operations up to 64 of them; all: every one; meta: none, they are searched for',
    },
    { flags: '--service <name>', summary: 'one service on stdin and stdout, an upstream MCP server as if it were that server' },
    { flags: '--http <port>', summary: 'serve Streamable HTTP on 127.0.0.1 and ::1; 0 is any free port' },
    { flags: '--ws <port>', summary: 'serve WebSocket there (an extra: MCP defines stdio and HTTP)' },
    { flags: '--token-file <path>', summary: 'the file of the bearer token ($XDG_RUNTIME_DIR/airlock/mcp-http.token)' },
  ],
  run: mcp,
};
