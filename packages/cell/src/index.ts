/** One process per lease and service: release, watchdog, one connector. */
export {};
