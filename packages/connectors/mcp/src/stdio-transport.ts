/**
 * JSON-RPC over the standard streams of a program.
 *
 * UPSTREAM-5   Lines, noise and floods are bounded; what goes beyond ends the program.
 * UPSTREAM-6   An answer is taken once, by its exact id.
 * UPSTREAM-11  A request that is given up is cancelled; its answer is dropped when it comes.
 */
import type { Members } from './contract.js';
import { abortReason, asError, refused, Unanswered } from './errors.js';
import { Lines } from './lines.js';
import { MCP_LIMITS } from './limits.js';
import { messageOf, parse, type Id, type Message } from './message.js';
import type { Answer, Asked, Transport, TransportEvents } from './transport.js';

/** The streams of a program, and its end. */
export interface Streams {
  write(line: string): void;
  onData(listener: (piece: Buffer) => void): void;
  /** Once. */
  onEnd(listener: (why: Error) => void): void;
  /** Ends the program. */
  end(why: Error): void;
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

export class StdioTransport implements Transport {
  readonly #streams: Streams;
  readonly #events: TransportEvents;
  readonly #lines = new Lines(MCP_LIMITS.maxMessageBytes);
  readonly #waiting = new Map<Id, Waiting>();
  #noise = 0;
  #unanswered = 0;
  #heard = 0;
  #over: Error | null = null;

  constructor(streams: Streams, events: TransportEvents) {
    this.#streams = streams;
    this.#events = events;
    streams.onData((piece) => this.#take(piece));
    streams.onEnd((why) => this.#end(why));
  }

  get isOver(): boolean {
    return this.#over !== null;
  }

  request({ id, method, params, signal, tellCancelled }: Asked): Promise<Answer> {
    if (this.#over !== null) return Promise.reject(asError(this.#over));
    if (signal.aborted) return Promise.reject(abortReason(signal));
    const heardBefore = this.#heard;
    return new Promise<Answer>((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.delete(id);
        const why = abortReason(signal);
        if (tellCancelled) this.#send({ method: 'notifications/cancelled', params: { requestId: id, reason: 'given up' } });
        reject(new Unanswered(why));
        // A server that says nothing at all is of no use to the next call either.
        if (why.code === 'UPSTREAM_TIMEOUT' && this.#heard === heardBefore) this.#streams.end(why);
      };
      const settle = (): void => signal.removeEventListener('abort', onAbort);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.set(id, {
        resolve: (answer) => {
          settle();
          resolve(answer);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      });
      this.#unanswered = 0;
      this.#send({ id, method, params });
    });
  }

  notify(method: string, params: Members): Promise<void> {
    this.#send({ method, params });
    return Promise.resolve();
  }

  respond(id: Id, body: object): void {
    this.#send({ id, ...body });
  }

  listen(): void {
    // Everything comes over the one stream already.
  }

  close(): Promise<void> {
    this.#streams.end(asError(null));
    return Promise.resolve();
  }

  #send(message: object): void {
    if (this.#over === null) this.#streams.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  #take(piece: Buffer): void {
    if (this.#over !== null) return;
    this.#heard += piece.length;
    this.#unanswered += piece.length;
    if (this.#unanswered > MCP_LIMITS.maxUnansweredBytes) return this.#give(refused('flood'));
    const lines = this.#lines.take(piece);
    if (lines === null) return this.#give(refused('too_large'));
    for (const line of lines) this.#line(line);
  }

  #line(line: string | null): void {
    if (line !== null && line.trim() === '') return;
    const value = line === null ? null : parse(line);
    // A batch, of 2025-03-26.
    const messages = (Array.isArray(value) ? value : [value]).map(messageOf);
    for (const message of messages) {
      if (message === null) this.#hearNoise();
      else this.#hear(message);
    }
  }

  #hearNoise(): void {
    this.#noise += 1;
    if (this.#noise > MCP_LIMITS.maxNoise) this.#give(refused('not_mcp'));
  }

  #hear(message: Message): void {
    if (message.kind === 'request' || message.kind === 'notification') return this.#events.onSpoken(message);
    const waiting = message.id === null ? undefined : this.#waiting.get(message.id);
    if (waiting === undefined || message.id === null) return this.#hearNoise();
    this.#waiting.delete(message.id);
    this.#unanswered = 0;
    waiting.resolve(message);
  }

  #give(why: Error): void {
    this.#end(why);
    this.#streams.end(why);
  }

  #end(why: Error): void {
    if (this.#over !== null) return;
    this.#over = why;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(new Unanswered(asError(why)));
  }
}
