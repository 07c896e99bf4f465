/** Strict arguments, masking and cutting of results. */
export {};
