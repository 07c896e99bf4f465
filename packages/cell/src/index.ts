/** One process for one lease and one service: release, watchdog, one connector. The programs are main.ts and dev/main.ts. */
export { fromConnector } from './connector-error.js';
export { findConnector, loadConnector, type InstalledConnector } from './connector-directory.js';
export { Executor } from './execute.js';
export { checkApproved, checkConstraints, checkDeadline, checkScope, findOperation, joinConstraints } from './grant.js';
export { CELL_LIMITS, EXIT } from './limits.js';
export { openCell, type OpenedCell, type OpenOptions } from './open.js';
export { parseReleaseLimits } from './release-limits.js';
export { runCell, type CellOptions } from './main-thread.js';
export { runWatchdogThread } from './run-watchdog.js';
export { runWatchdog, type WatchdogOptions } from './watchdog.js';
