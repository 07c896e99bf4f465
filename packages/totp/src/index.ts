/** The daemon that holds the TOTP secret, the queue, the register and the keys. */
export {};
