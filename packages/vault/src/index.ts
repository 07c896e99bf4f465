/** Record format, key derivation, seal and open. */
export {};
