/** Launcher, doubles, vectors and containers for tests. */
export {};
