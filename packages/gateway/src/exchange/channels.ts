/** The channels of all calls in flight, by session and name. EXCHANGE-1, EXCHANGE-3. */
import { AirlockError, callCancelled, type CallParams, type Timers } from '@airlock/protocol';
import type { Listener, Session } from '../sessions/sessions.js';
import { Channel } from './channel.js';

const inUse = (): AirlockError =>
  new AirlockError('PARAMS_INVALID', 'another call of this session in flight has this channel', {
    field: 'params.context.channel',
    expected: 'a name that no call in flight has',
    hint: 'name every call anew',
  });

const noChannel = (): AirlockError =>
  new AirlockError('PARAMS_INVALID', 'context.mcp is given without context.channel', {
    field: 'params.context.channel',
    expected: '1 to 64 of A-Z, a-z, 0-9, - and _',
    hint: 'give the call a channel of its own in its context',
  });

const noCall = (): AirlockError =>
  new AirlockError('NOT_FOUND', 'no call in flight of this connection has this channel', {
    hint: 'the call may have ended; its answer says how',
  });

const keyOf = (session: Session, name: string): string => `${session.id}/${name}`;

export class Channels {
  readonly #timers: Timers;
  readonly #open = new Map<string, Channel>();
  #count = 0;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  get size(): number {
    return this.#open.size;
  }

  /** The channel a call asks for, or null where it asks for none. @throws AirlockError PARAMS_INVALID */
  open(session: Session, listener: Listener, { context }: CallParams): Channel | null {
    if (context?.channel === undefined) {
      if (context?.mcp !== undefined) throw noChannel();
      return null;
    }
    const { channel: name, mcp } = context;
    const key = keyOf(session, name);
    if (this.#open.has(key)) throw inUse();
    this.#count += 1;
    const channel = new Channel({ name, id: `c${this.#count}`, mcp, listener, timers: this.#timers });
    this.#open.set(key, channel);
    return channel;
  }

  close(session: Session, channel: Channel): void {
    channel.end();
    const key = keyOf(session, channel.name);
    if (this.#open.get(key) === channel) this.#open.delete(key);
  }

  /** @throws AirlockError NOT_FOUND, whoever else may have such a channel */
  find(session: Session, listener: Listener, name: string): Channel {
    const channel = this.#open.get(keyOf(session, name));
    if (channel?.listener !== listener) throw noCall();
    return channel;
  }

  /** The agent is gone: nobody reads the answers, and nobody can reply. The names are free at once. */
  disconnect(listener: Listener): void {
    for (const [key, channel] of [...this.#open]) {
      if (channel.listener !== listener) continue;
      this.#open.delete(key);
      channel.abort(callCancelled());
    }
  }
}
