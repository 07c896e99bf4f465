/** What this daemon calls itself. */
export const VERSION = '0.1.0';
export const SERVER = `airlock-gateway/${VERSION}`;
