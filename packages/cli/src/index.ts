/** The airlock command of agents. */
export {};
