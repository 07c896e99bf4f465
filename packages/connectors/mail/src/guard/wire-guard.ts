/**
 * The only thing node-imap ever holds: a stream that looks like a socket, with the guard between it and the real one.
 *
 * MAIL-9  After the first violation nothing more passes in either direction and the socket is destroyed.
 * MAIL-10 An exception inside node-imap while it reads is a violation of the server, not the end of the process.
 */
import { Duplex } from 'node:stream';
import type { ListedFolder } from './folder-line.js';
import { Incoming } from './incoming.js';
import { Outgoing, type Append, type Piece } from './outgoing.js';
import type { Refusal } from './text-code.js';
import { WireViolation } from './violation.js';

type Listener = Parameters<Duplex['addListener']>[1];

/** How far the last armed APPEND came. `left`: its bytes are with the server, which has not answered. */
export type AppendState = 'armed' | 'left' | 'accepted' | 'refused';

/** Wraps a connected (and, where due, encrypted) socket. Emits `error` with a WireViolation or the socket's error. */
export class WireGuard extends Duplex {
  /** Folders of the last LIST, in order. */
  readonly folders: ListedFolder[] = [];
  /** Why the last refused command was refused. */
  lastRefusal: Refusal | null = null;
  /** What became of the armed APPEND. */
  appendState: AppendState = 'armed';
  #appendTag = '';
  readonly #inner: Duplex;
  readonly #incoming: Incoming;
  readonly #outgoing: Outgoing;
  #started = false;

  /** @param onCommand is told the verb of each command as it leaves. */
  constructor(inner: Duplex, onCommand: (verb: string) => void = () => undefined) {
    super();
    this.#inner = inner;
    this.#incoming = new Incoming({
      forward: (bytes) => {
        if (!this.push(bytes)) inner.pause();
      },
      folder: (folder) => this.folders.push(folder),
      continuation: () => this.#outgoing.continued(),
      tagged: (tag, refusal) => {
        this.lastRefusal = refusal ?? this.lastRefusal;
        if (tag === this.#appendTag) this.#appendAnswered(refusal !== null);
      },
    });
    this.#outgoing = new Outgoing({
      forward: (bytes) => void inner.write(bytes),
      command: (verb) => {
        this.#incoming.answerBegins();
        this.lastRefusal = null;
        onCommand(verb);
      },
      announced: (tag) => (this.#appendTag = tag),
      appending: () => (this.appendState = 'left'),
    });
    inner.pause();
    inner.on('data', (bytes: Buffer) => this.#guarded(() => this.#incoming.feed(bytes)));
    inner.once('end', () => this.push(null));
    inner.once('close', () => this.destroy());
    inner.once('error', (error) => this.destroy(error));
  }

  /** The next FETCH asks for this piece only (node-imap knows no partial FETCH). */
  askForPiece(piece: Piece): void {
    this.#outgoing.askForPiece(piece);
  }

  /** Lets this one APPEND pass (MAIL-2). */
  armAppend(append: Append): void {
    this.appendState = 'armed';
    this.#appendTag = '';
    this.#outgoing.armAppend(append);
  }

  /** An acceptance of what has not left is none. */
  #appendAnswered(isRefusal: boolean): void {
    if (isRefusal) this.appendState = 'refused';
    else if (this.appendState === 'left') this.appendState = 'accepted';
    this.#appendTag = '';
  }

  /** What node-imap calls on a net.Socket: the connection stands already. */
  connect(): this {
    setImmediate(() => {
      // node-imap would start a timer that nothing ends.
      if (this.destroyed) return;
      this.emit('connect');
      this.#started = true;
      this.#inner.resume();
    });
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  /** MAIL-10: node-imap parses inside its `readable` listener. */
  override on(event: string | symbol, listener: Listener): this {
    if (event !== 'readable') return super.on(event, listener);
    return super.on(event, () => {
      try {
        listener();
      } catch {
        this.destroy(new WireViolation('server', 'unreadable answer'));
      }
    });
  }

  /** Not before `connect`: node-imap overlooks a greeting that comes earlier. */
  override _read(): void {
    if (this.#started) this.#inner.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#guarded(() => this.#outgoing.feed(chunk))) done();
  }

  override _final(done: () => void): void {
    this.#inner.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#inner.destroy();
    done(error);
  }

  #guarded(step: () => void): boolean {
    if (this.destroyed) return false;
    try {
      step();
      return true;
    } catch (thrown) {
      this.destroy(thrown instanceof Error ? thrown : new WireViolation('server', 'unreadable answer'));
      return false;
    }
  }
}
