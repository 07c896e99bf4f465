/** The airlock-ctl command of the operator. */
export {};
