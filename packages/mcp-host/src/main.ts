/** Entry point of airlock-mcp-host: takes the activated socket and serves one cell. */
import { serveHost } from './host.js';

/** sd_listen_fds(3): the first descriptor. The unit passes one. */
const LISTEN_FD = 3;

const isActivated = process.env['LISTEN_FDS'] === '1';
const isWalled = process.env['AIRLOCK_MCP_WALLED'] === '1';
if (!isActivated) {
  process.stderr.write('airlock-mcp-host: error: exactly one activated socket is needed\n');
  process.exit(1);
}
serveHost(LISTEN_FD, isWalled, process.env['TMPDIR'] ?? '/tmp');
