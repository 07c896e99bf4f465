/** Launcher, doubles, vectors and containers for tests. */
export * from './launcher/up.js';
export { parseOptions, type LauncherOptions } from './launcher/options.js';
