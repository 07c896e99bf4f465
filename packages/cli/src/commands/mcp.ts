/** `airlock mcp`: the MCP server on stdin and stdout. Its packages are loaded only here: they take longer than a whole other command. */
import type { Context } from '../context.js';

export const mcp = async ({ env, flags, version, timers }: Context): Promise<void> => {
  const { serveMcp } = await import('@airlock/mcp');
  await serveMcp({ env, socket: flags.socket, role: flags.role, client: `airlock mcp ${version}`, version, timers });
};
