/** Method tables: one file a socket. */
export * from './agent.js';
export * from './approve.js';
export * from './bridge.js';
export * from './cell.js';
export * from './operator.js';
export * from './presence.js';
export * from './release.js';
export * from './root.js';
