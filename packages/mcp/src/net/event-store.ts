/** What a session was sent lately, so that a client that lost its connection gets what it missed (Last-Event-ID). */
import type { EventStore, JSONRPCMessage } from '@modelcontextprotocol/server';

interface Entry {
  readonly id: string;
  readonly stream: string;
  readonly message: JSONRPCMessage;
  readonly bytes: number;
}

/** The newest `maxEvents` of at most `maxBytes`; an id that is no longer held is refused, never answered with a gap. */
export class RecentEvents implements EventStore {
  readonly #entries: Entry[] = [];
  readonly #maxEvents: number;
  readonly #maxBytes: number;
  #bytes = 0;
  #count = 0;

  constructor(maxEvents: number, maxBytes: number) {
    this.#maxEvents = maxEvents;
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  storeEvent(stream: string, message: JSONRPCMessage): Promise<string> {
    this.#count += 1;
    const entry = { id: `e${this.#count}`, stream, message, bytes: JSON.stringify(message).length };
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
    while (this.#entries.length > this.#maxEvents || this.#bytes > this.#maxBytes) {
      this.#bytes -= this.#entries.shift()?.bytes ?? 0;
    }
    return Promise.resolve(entry.id);
  }

  getStreamIdForEventId(id: string): Promise<string | undefined> {
    return Promise.resolve(this.#entries.find((entry) => entry.id === id)?.stream);
  }

  async replayEventsAfter(
    id: string,
    { send }: { send: (id: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const at = this.#entries.findIndex((entry) => entry.id === id);
    const stream = this.#entries[at]?.stream;
    if (stream === undefined) throw new Error('the event is no longer held');
    const missed = this.#entries.slice(at + 1).filter((entry) => entry.stream === stream);
    // The SDK stores an empty message to have an id before the first event.
    for (const entry of missed) if (Object.keys(entry.message).length > 0) await send(entry.id, entry.message);
    return stream;
  }
}
