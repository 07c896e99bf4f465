/** `airlock mcp`: the MCP server on stdin and stdout. Its packages are loaded only here: they take longer than a whole other command. */
import { clientName } from '@airlock/client';
import type { Context } from '../context.js';
import type { Command } from './command.js';

export const mcp = async ({ env, flags, version, timers }: Context): Promise<void> => {
  const { serveMcp } = await import('@airlock/mcp');
  await serveMcp({
    env,
    socket: flags.socket,
    role: flags.role,
    client: clientName(env, `airlock mcp ${version}`),
    version,
    timers,
  });
};

export const MCP: Command = { name: 'mcp', summary: 'serve MCP on stdin and stdout', run: mcp };
