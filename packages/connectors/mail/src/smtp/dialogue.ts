/**
 * Question and answer with an SMTP server, one at a time.
 *
 * MAIL-34 Each command gets one reply. What a server says before it was asked, or beyond its reply, ends the dialogue: it
 *         could be taken for the answer to the next command, or for something said under TLS.
 */
import type { Socket } from 'node:net';
import type { AirlockError } from '@airlock/protocol';
import { abortError, upstreamError } from '../dial.js';
import { Replies, type Reply } from './replies.js';

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: AirlockError) => void;
}

export class Dialogue {
  readonly #socket: Socket;
  readonly #signal: AbortSignal;
  readonly #replies = new Replies();
  #queue: Reply[] = [];
  #waiting: Waiting | null = null;
  #over: AirlockError | null = null;

  /** @param socket a connected one, paused or not yet read from */
  constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
    socket.on('data', this.#onData);
    socket.on('error', this.#onClose);
    socket.once('close', this.#onClose);
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
    socket.resume();
  }

  /** The greeting. @throws AirlockError UPSTREAM_REFUSED, UPSTREAM_TIMEOUT */
  greeting(): Promise<Reply> {
    return this.#next();
  }

  /** @throws AirlockError UPSTREAM_REFUSED (closed, or MAIL-34), UPSTREAM_TIMEOUT */
  async ask(line: string): Promise<Reply> {
    this.#checkSilence();
    this.#socket.write(`${line}\r\n`, 'latin1');
    return await this.#next();
  }

  /** Sends what is more than a line. `onLeft` is called at the last moment before. */
  async send(bytes: Buffer, onLeft: () => void): Promise<Reply> {
    this.#checkSilence();
    onLeft();
    this.#socket.write(bytes);
    return await this.#next();
  }

  /** Hands the socket over to TLS. @throws AirlockError UPSTREAM_REFUSED (tls): something was said already (MAIL-34) */
  release(): Socket {
    this.#socket.pause();
    this.#detach();
    if (this.#over !== null || this.#queue.length > 0 || this.#replies.isHalf || this.#socket.readableLength > 0) {
      this.#socket.destroy();
      throw upstreamError('tls');
    }
    return this.#socket;
  }

  /** Says goodbye where it can and waits for nothing. */
  close(): void {
    this.#detach();
    this.#socket.on('error', () => undefined);
    if (this.#over === null) this.#socket.end('QUIT\r\n');
    setTimeout(() => this.#socket.destroy(), 250).unref();
  }

  readonly #onData = (bytes: Buffer): void => {
    if (this.#over !== null) return;
    try {
      for (const reply of this.#replies.feed(bytes)) this.#arrived(reply);
    } catch {
      this.#end(upstreamError('other'));
    }
  };

  readonly #onClose = (): void => this.#end(upstreamError('other'));
  readonly #onAbort = (): void => this.#end(abortError(this.#signal));

  #arrived(reply: Reply): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) this.#queue.push(reply);
    else waiting.resolve(reply);
  }

  #next(): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const early = this.#queue.shift();
      if (early !== undefined) return resolve(early);
      if (this.#over !== null) return reject(this.#over);
      this.#waiting = { resolve, reject };
    });
  }

  #checkSilence(): void {
    if (this.#over === null && (this.#queue.length > 0 || this.#replies.isHalf)) this.#end(upstreamError('other'));
    if (this.#over !== null) throw this.#over;
  }

  #end(error: AirlockError): void {
    this.#over ??= error;
    this.#socket.destroy();
    this.#waiting?.reject(this.#over);
    this.#waiting = null;
  }

  #detach(): void {
    this.#socket.off('data', this.#onData);
    this.#socket.off('error', this.#onClose);
    this.#socket.off('close', this.#onClose);
    this.#signal.removeEventListener('abort', this.#onAbort);
  }
}
