/**
 * States of servers (2026-07-28, `requestState`), kept here: a state is often a token, which the seal would mask on its way to
 * the client, and then it is none. The client gets a name for it.
 *
 * UPSTREAM-16  A state leaves the cell as a name that nobody could guess; what is no such name goes to the server as it is. As
 *              many and as much are kept as a cell has room for.
 */
import { randomUUID } from 'node:crypto';
import type { Json } from '@airlock/protocol';
import { isMembers, type Caller } from './contract.js';
import { MCP_LIMITS } from './limits.js';

const MAX_STATES = 256;
/** Of all of them: twice the longest that one answer can bring. A cell has 128 MiB at least. */
const MAX_CHARS = 2 * MCP_LIMITS.maxMessageBytes;

export class RequestStates {
  /** In the order they came: the first is forgotten first. */
  readonly #states = new Map<string, string>();
  #chars = 0;

  /** The result with a name in place of its state. */
  hide(result: Json): Json {
    if (!isMembers(result) || typeof result['requestState'] !== 'string') return result;
    const { requestState: state } = result;
    this.#makeRoom(state.length);
    const name = randomUUID();
    this.#states.set(name, state);
    this.#chars += state.length;
    return { ...result, requestState: name };
  }

  /** The caller with the state that its name stands for. */
  restore(caller: Caller | null): Caller | null {
    const name = caller?.requestState;
    const state = typeof name === 'string' ? this.#states.get(name) : undefined;
    return caller === null || state === undefined ? caller : { ...caller, requestState: state };
  }

  #makeRoom(chars: number): void {
    for (const [name, state] of this.#states) {
      if (this.#states.size < MAX_STATES && this.#chars + chars <= MAX_CHARS) return;
      this.#states.delete(name);
      this.#chars -= state.length;
    }
  }
}
