/** The hash-chained log: append, verify, query. */
export {};
