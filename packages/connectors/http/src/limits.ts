/** The limits of declared services, unit in the name, reason beside it. */
export const HTTP_LIMITS = {
  /** Of an answer. Parsed, small objects take thirty times the memory of their text, and a cell has 384 MB. */
  maxBodyBytes: 1024 * 1024,
  /** A wait that a service asks for is handed on up to this. */
  maxRetryAfterMs: 3_600_000,
  /** Nesting of a declared answer. */
  maxShapeDepth: 8,
} as const;
