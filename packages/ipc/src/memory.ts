/**
 * What the connections of one socket have us hold, counted together: half frames and answers nobody reads.
 *
 * IPC-11 many connections that each stay below their own limits must not fill the memory of the process: beyond the
 *        budget of the socket the connection that asks for more ends, unless it holds less than any honest one may.
 */
import type { SocketLimits } from './limits.js';

/** Bytes held for all connections of a socket. */
export interface SocketMemory {
  bytes: number;
}

/** The part of one connection. */
export class MemoryShare {
  readonly #memory: SocketMemory;
  readonly #limits: SocketLimits;
  #bytes = 0;

  constructor(memory: SocketMemory, limits: SocketLimits) {
    this.#memory = memory;
    this.#limits = limits;
  }

  /** States what is held for this connection now. @returns false where it has to end for that. */
  hold(bytes: number): boolean {
    this.#memory.bytes += bytes - this.#bytes;
    this.#bytes = bytes;
    return this.#memory.bytes <= this.#limits.maxHeldBytesPerSocket || bytes <= this.#limits.freeHeldBytes;
  }
}
