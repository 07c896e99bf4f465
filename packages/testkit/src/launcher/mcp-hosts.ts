/**
 * The hosts of MCP servers of a development instance: as the unit's, but without walls, within the launcher's process, and made at the
 * first connection.
 */
import { newHost, type HostServer } from '@airlock/mcp-host';
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';

const serveSlot = (path: string): Server => {
  let current: HostServer | null = null;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    current ??= newHost({
      isWalled: false,
      end: () => {
        current = null;
      },
    });
    current.accept(socket);
  });
  rmSync(path, { force: true });
  server.listen(path, () => chmodSync(path, 0o600));
  return server;
};

/** One host for each slot, at `mcp/SLOT.sock` below the runtime directory. */
export const serveMcpHosts = (run: string, slots: number): { close(): void } => {
  const directory = join(run, 'mcp');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const servers = Array.from({ length: slots }, (_, slot) => serveSlot(join(directory, `${slot}.sock`)));
  return {
    close: () => {
      for (const server of servers) server.close();
    },
  };
};
