/** `airlock mcp`: the MCP server on stdin and stdout. Its packages are loaded only here: they take longer than a whole other command. */
import { AirlockError, clientName } from '@airlock/client';
import type { Context } from '../context.js';
import type { Command } from './command.js';

export interface McpFlags {
  readonly tools?: string;
}

const LISTINGS = ['auto', 'all', 'meta'] as const;

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

export const mcp = async ({ env, flags, version, timers }: Context, { tools }: McpFlags = {}): Promise<void> => {
  const listing = listingOf(tools);
  const { serveMcp } = await import('@airlock/mcp');
  await serveMcp({
    env,
    socket: flags.socket,
    role: flags.role,
    client: clientName(env, `airlock mcp ${version}`),
    version,
    timers,
    tools: listing,
  });
};

export const MCP: Command = {
  name: 'mcp',
  summary: 'serve MCP on stdin and stdout',
  flags: [
    {
      flags: '--tools <which>',
      summary: 'auto: list operations up to 64 of them; all: every one; meta: none, they are searched for',
    },
  ],
  run: (context, { options }) => mcp(context, options),
};
