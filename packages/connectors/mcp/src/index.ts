/** The connector of upstream MCP servers, kinds `mcp` and `mcp-url` (docs/spec/upstream.md). */
import type { Connector } from '@airlock/protocol';
import { openMcpSession } from './session.js';

/** Loaded by the cell. `test` connects, greets, lists and closes. */
export const connector: Connector = {
  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws must reject
  open: async (context) => openMcpSession(context),
  test: async (context) => {
    const session = openMcpSession(context);
    try {
      await session.list();
    } finally {
      await session.close();
    }
  },
};
