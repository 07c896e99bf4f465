/**
 * States of servers (2026-07-28, `requestState`), kept here: a state is often a token, which the seal would mask on its way to
 * the client, and then it is none. The client gets a name for it.
 *
 * UPSTREAM-16  A state leaves the cell as a name that nobody could guess; what is no such name goes to the server as it is.
 */
import { randomUUID } from 'node:crypto';
import type { Json } from '@airlock/protocol';
import { isMembers, type Caller } from './contract.js';

const MAX_STATES = 256;

export class RequestStates {
  /** In the order they came: the first is forgotten first. */
  readonly #states = new Map<string, string>();

  /** The result with a name in place of its state. */
  hide(result: Json): Json {
    if (!isMembers(result) || typeof result['requestState'] !== 'string') return result;
    const [oldest] = this.#states.keys();
    if (this.#states.size >= MAX_STATES && oldest !== undefined) this.#states.delete(oldest);
    const name = randomUUID();
    this.#states.set(name, result['requestState']);
    return { ...result, requestState: name };
  }

  /** The caller with the state that its name stands for. */
  restore(caller: Caller | null): Caller | null {
    const name = caller?.requestState;
    const state = typeof name === 'string' ? this.#states.get(name) : undefined;
    return caller === null || state === undefined ? caller : { ...caller, requestState: state };
  }
}
