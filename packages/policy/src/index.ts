/** Pure decisions: what a role may ever get, and whether one call may happen. No I/O, no clock, default deny. */
export * from './call.js';
export * from './request.js';
export * from './visible.js';
export type * from './facts.js';
