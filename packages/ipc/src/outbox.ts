/** What waits to be written: joined to one write a tick, and watched so that a peer that does not read costs little. */
import type { Socket } from 'node:net';
import type { SocketLimits } from './limits.js';

export class Outbox {
  readonly #socket: Socket;
  readonly #limits: SocketLimits;
  /** Called when a peer left more than maxUnsentBytes unread. */
  readonly #onOverflow: () => void;
  /** Asked after each write: whether so much may wait, with what all others have waiting. */
  readonly #mayHold: () => boolean;
  #text = '';
  #scheduled = false;
  readonly #flush = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  constructor(socket: Socket, limits: SocketLimits, onOverflow: () => void, mayHold: () => boolean) {
    this.#socket = socket;
    this.#limits = limits;
    this.#onOverflow = onOverflow;
    this.#mayHold = mayHold;
  }

  /** Queues a frame; everything queued in one turn of the loop leaves in one write. */
  send(text: string): void {
    this.#text += text;
    if (this.#text.length > this.#limits.unsentPauseBytes) this.flush();
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(this.#flush);
  }

  /** Binary frames keep their place among the texts queued before them. */
  sendBytes(bytes: Buffer): void {
    this.flush();
    this.#write(bytes);
  }

  /** What was sent and the system has not taken. */
  get unsentBytes(): number {
    return this.#text.length + this.#socket.writableLength;
  }

  flush(): void {
    if (this.#text === '') return;
    const text = this.#text;
    this.#text = '';
    this.#write(text);
  }

  #write(data: string | Buffer): void {
    if (!this.#socket.writable) return;
    this.#socket.write(data);
    const unsent = this.#socket.writableLength;
    if (unsent > this.#limits.maxUnsentBytes || !this.#mayHold()) this.#onOverflow();
    else if (unsent > this.#limits.unsentPauseBytes) this.#socket.pause();
  }
}
