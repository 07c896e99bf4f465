/** What every package of Airlock speaks: errors, limits, canonical forms, method tables. */
export * from './base64url.js';
export * from './canonical.js';
export * from './clock.js';
export * from './errors.js';
export * from './frame-error.js';
export * from './framing.js';
export * from './json.js';
export * from './limits.js';
export * from './timers.js';
export * from './validate.js';
export * from './config.js';
export * from './connector.js';
export * from './methods/index.js';
export * from './names.js';
export * from './scope.js';
export * from './destination.js';
