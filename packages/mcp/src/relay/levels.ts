/** Which log messages a client wants (RFC 5424 severities, as MCP has them). */

const LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

export const isLevel = (level: unknown): level is string => typeof level === 'string' && LEVELS.includes(level);

/** Whether a message of this level is wanted by who wants `wanted` and above. A level nobody knows is wanted. */
export const isWanted = (level: unknown, wanted: string): boolean =>
  !isLevel(level) || LEVELS.indexOf(level) >= LEVELS.indexOf(wanted);
