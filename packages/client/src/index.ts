/** The agents' library: ask for access, then call typed operations. */
export {};
