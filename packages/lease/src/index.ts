/** Mint, attenuate and verify leases. */
export {};
