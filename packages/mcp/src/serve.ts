/** `airlock mcp`: the server on stdin and stdout, until stdin ends. */
import type { Readable, Writable } from 'node:stream';
import type { McpServer } from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { LIMITS, systemTimers, type Timers } from '@airlock/protocol';
import { Broker, type BrokerOptions } from './broker.js';
import { createEndpointServer } from './relay/endpoint.js';
import { OWN_NAMES } from './server.js';
import type { Listing } from './surface.js';

export interface ServeMcpOptions extends BrokerOptions {
  readonly version: string;
  /** Whether operations are listed one by one. */
  readonly tools?: Listing | undefined;
  /** The one service that is served; left out: all. */
  readonly service?: string | undefined;
  readonly input?: Readable;
  readonly output?: Writable;
}

/** A burst of changes is one notification. */
const CHANGE_DELAY_MS = 50;

/** Tells once after a burst of changes. */
export const announcer = (tell: () => void, timers: Timers): (() => void) => {
  let isArmed = false;
  return () => {
    if (isArmed) return;
    isArmed = true;
    timers.after(CHANGE_DELAY_MS, () => {
      isArmed = false;
      tell();
    });
  };
};

/** Serves until the input ends; every lease is released then. Nothing but MCP messages is written to the output. */
export const serveMcp = async (options: ServeMcpOptions): Promise<void> => {
  const broker = new Broker(options, OWN_NAMES);
  const servers = new Set<McpServer>();
  const input = options.input ?? process.stdin;
  const transport = new StdioServerTransport(input, options.output ?? process.stdout, { maxBufferSize: LIMITS.maxFrameInBytes });
  const ended = new Promise<void>((resolve) => {
    input.once('end', resolve);
    input.once('close', resolve);
  });
  const handle = serveStdio(
    async () => {
      const server = await createEndpointServer(broker, options.version, { service: options.service, tools: options.tools });
      servers.add(server);
      return server;
    },
    { transport },
  );
  const tellAll = (): void => {
    for (const server of servers) if (server.isConnected()) server.sendToolListChanged();
  };
  broker.onChange = announcer(tellAll, options.timers ?? systemTimers);
  broker.open().catch(() => undefined);
  await ended;
  await broker.close();
  await handle.close();
};
