/** Sets up MCP clients: what is known of each, and the edit of its configuration as pure functions of its text. */
export type { Client, Entry, Launch, Places } from './client.js';
export { isObject } from './client.js';
export { unifiedDiff } from './diff.js';
export {
  connectEdit,
  describeEntry,
  disconnectEdit,
  isOurs,
  readEntry,
  snippet,
  type Change,
  type Edit,
  type Target,
} from './edit.js';
export { CLIENT_NAMES, type ClientName } from './names.js';
export { CLIENTS } from './registry.js';
