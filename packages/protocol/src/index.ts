/** What every package of Airlock speaks: errors, limits, canonical forms, method tables. */
export * from './base64url.js';
export * from './canonical.js';
export * from './clock.js';
export * from './errors.js';
