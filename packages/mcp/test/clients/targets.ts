/** Targets and a launch as tests use them. */
import { CLIENTS, type ClientName, type Launch, type Target } from '../../src/clients/index.js';

export const launchOf = (client: string): Launch => ({
  command: '/usr/local/bin/airlock',
  args: ['mcp'],
  env: { AIRLOCK_AGENT: client },
});

export const target = (client: ClientName, more: Partial<Target> = {}): Target => ({
  client: CLIENTS[client],
  file: 'FILE',
  name: 'airlock',
  isForced: false,
  ...more,
});
