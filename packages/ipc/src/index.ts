/** Unix sockets: activation, framing, connection limits, dispatch. */
export {};
