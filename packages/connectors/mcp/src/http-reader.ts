/** What an HTTP answer brings: one document, or a stream of events, as messages. */
import type { EgressHead } from '@airlock/egress';
import { refused } from './errors.js';
import { MCP_LIMITS } from './limits.js';
import { messageOf, parse, type Message } from './message.js';
import { EventStream } from './sse.js';
import type { Answer, Spoken } from './transport.js';

const typeOf = ({ headers }: EgressHead): string => (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';

export class HttpReader {
  readonly #id: number | null;
  readonly #onSpoken: (spoken: Spoken) => void;
  readonly #stream: EventStream;
  #document: Buffer[] = [];
  #bytes = 0;
  /** Of the request this reader was made for. */
  answer: Answer | undefined;
  /** Messages so far. */
  events = 0;

  constructor(id: number | null, onSpoken: (spoken: Spoken) => void) {
    this.#id = id;
    this.#onSpoken = onSpoken;
    this.#stream = new EventStream(({ data, event }) => {
      if (event === '' || event === 'message') this.#hear(parse(data), true);
    });
  }

  get lastId(): string | undefined {
    return this.#stream.lastId;
  }

  get retryMs(): number | undefined {
    return this.#stream.retryMs;
  }

  /** Takes the pieces of a body. @throws AirlockError UPSTREAM_REFUSED too_large */
  open(head: EgressHead): (piece: Buffer) => void {
    if (typeOf(head) === 'text/event-stream' && head.status === 200) return (piece) => this.#stream.take(piece);
    return (piece) => {
      this.#bytes += piece.length;
      if (this.#bytes > MCP_LIMITS.maxMessageBytes) throw refused('too_large');
      this.#document.push(piece);
    };
  }

  /** The body is through. */
  end(): void {
    if (this.#document.length === 0) return;
    const value = parse(Buffer.concat(this.#document).toString('utf8'));
    this.#document = [];
    for (const one of Array.isArray(value) ? value : [value]) this.#hear(one, false);
  }

  #hear(value: unknown, isStream: boolean): void {
    const message = messageOf(value);
    if (message === null) return;
    this.events += 1;
    if (message.kind === 'request' || message.kind === 'notification') return this.#onSpoken(message);
    this.#answer(message, isStream);
  }

  /** UPSTREAM-6. A refusal of the whole request may come as a document without an id. */
  #answer(message: Exclude<Message, Spoken>, isStream: boolean): void {
    if (this.#id === null || this.answer !== undefined) return;
    const isOurs = message.id === this.#id || (message.kind === 'error' && message.id === null && !isStream);
    if (isOurs) this.answer = message;
  }
}
