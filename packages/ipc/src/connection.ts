/**
 * One end of a socket: JSON-RPC 2.0 in both directions, and binary frames where the socket speaks them.
 *
 * IPC-4  bytes of one connection never reach another: every buffer, table and timer here belongs to one.
 * IPC-5  a frame that could be parsed is answered and the connection goes on; any other ends it.
 * IPC-6  a peer that does not read is not read from, and cut off at maxUnsentBytes.
 * IPC-7  a frame that is not complete in time ends the connection, however slowly it still grows.
 */
import type { Socket } from 'node:net';
import {
  AirlockError,
  FrameError,
  FrameReader,
  LIMITS,
  asAirlockError,
  encodeBinaryFrame,
  fromWireError,
} from '@airlock/protocol';
import { parseJsonStrict, type Frame, type TimerHandle, type Timers } from '@airlock/protocol';
import { Dispatcher, type InFlight } from './dispatcher.js';
import type { SocketLimits } from './limits.js';
import { MemoryShare, type SocketMemory } from './memory.js';
import { errorText, idOf, notificationText, readMessage, requestText, type RequestId, type ResponseMessage } from './message.js';
import { Outbox } from './outbox.js';
import { PendingCalls } from './pending.js';
import type { MethodTable, NotificationTable } from './table.js';
import { Watch } from './watch.js';

/** What a connection tells its owner. All optional: a client may need none. */
export interface ConnectionEvents<S> {
  /** The peer broke the protocol; for the audit. The text of the frame is not in the error. */
  readonly onProtocolError?: ((connection: Connection<S>, error: AirlockError) => void) | undefined;
  /** A handler threw what is no AirlockError; for the journal. The peer only learns INTERNAL. */
  readonly onInternalError?: ((method: string, thrown: unknown) => void) | undefined;
  /** The peer sends nothing more; it may still read its answers. */
  readonly onEnding?: ((connection: Connection<S>) => void) | undefined;
  /** Called once, after every pending call was rejected. */
  readonly onClose?: ((connection: Connection<S>, reason: AirlockError) => void) | undefined;
  readonly onBinary?: ((type: number, payload: Buffer, connection: Connection<S>) => void) | undefined;
}

export interface ConnectionOptions<S> {
  readonly state: S;
  readonly limits: SocketLimits;
  readonly timers: Timers;
  readonly table: MethodTable<S>;
  readonly notifications: NotificationTable<S>;
  readonly events: ConnectionEvents<S>;
  /** Requests in flight of the whole socket. */
  readonly inFlight: InFlight;
  /** What is held for all connections of the whole socket (IPC-11). */
  readonly memory: SocketMemory;
  /** Servers answer broken frames; a client that did would quarrel about errors for ever. */
  readonly answersErrors: boolean;
}

export interface CallOptions {
  /** Default LIMITS.callTimeoutMs. */
  readonly timeoutMs?: number;
}

/** One each: whoever gets an error may add to it. */
const closedByPeer = (): AirlockError => new AirlockError('UNAVAILABLE', 'the other side closed the connection');

export class Connection<S = undefined> {
  readonly state: S;
  readonly #socket: Socket;
  readonly #options: ConnectionOptions<S>;
  readonly #reader: FrameReader;
  readonly #outbox: Outbox;
  readonly #share: MemoryShare;
  readonly #pending: PendingCalls;
  readonly #dispatcher: Dispatcher<S>;
  readonly #watch: Watch;
  #closeReason: AirlockError | null = null;
  #isEnding = false;
  #closing: TimerHandle | null = null;
  #onBinary: ConnectionEvents<S>['onBinary'];

  constructor(socket: Socket, options: ConnectionOptions<S>) {
    const { limits, timers } = options;
    this.state = options.state;
    this.#socket = socket;
    this.#options = options;
    this.#onBinary = options.events.onBinary;
    this.#reader = new FrameReader({ maxJsonBytes: limits.maxFrameInBytes, maxBinaryBytes: limits.maxBinaryBytes });
    this.#share = new MemoryShare(options.memory, limits);
    this.#outbox = new Outbox(
      socket,
      limits,
      () => this.#cutOff(),
      () => this.#mayHold(),
    );
    this.#pending = new PendingCalls(timers);
    this.#dispatcher = new Dispatcher(this, this.#outbox, options, () => this.#afterAnswer());
    this.#watch = new Watch(timers, limits, {
      isBusy: () => this.#dispatcher.inFlight > 0 || this.#pending.size > 0,
      onIdle: (error) => this.#answerAndClose(error),
      onHalfFrame: (error) => this.#refuseFrame(error),
    });
    this.#listen();
  }

  get isOpen(): boolean {
    return this.#closeReason === null;
  }

  /** Requests of the peer not answered yet. */
  get inFlight(): number {
    return this.#dispatcher.inFlight;
  }

  /** What the peer has not read yet, about: who sends without being asked looks at it first. */
  get unsentBytes(): number {
    return this.#outbox.unsentBytes;
  }

  /** Set the receiver of binary frames after the fact; frames before it are a protocol error. */
  set onBinary(receiver: (type: number, payload: Buffer) => void) {
    this.#onBinary = receiver;
  }

  /**
   * Asks the other side.
   * @returns the result, unchecked: it comes from another process.
   * @throws AirlockError: what the other side answered, UNAVAILABLE on timeout or where the connection ends.
   */
  call(method: string, params: object, { timeoutMs = LIMITS.callTimeoutMs }: CallOptions = {}): Promise<unknown> {
    if (this.#closeReason !== null) return Promise.reject(this.#closeReason);
    return this.#pending.add(method, timeoutMs, (id) => {
      const text = requestText(id, method, params);
      const { maxFrameOutBytes } = this.#options.limits;
      // A UTF-16 unit is at most three bytes, so most requests need no count.
      if (text.length * 3 > maxFrameOutBytes && Buffer.byteLength(text) > maxFrameOutBytes)
        throw new AirlockError('FRAME_TOO_LARGE', 'the request is too large');
      this.#outbox.send(text);
    });
  }

  /** Tells the other side; no answer, and nothing where the connection has ended. */
  notify(method: string, params: object): void {
    if (this.#closeReason === null) this.#outbox.send(notificationText(method, params));
  }

  /** One binary frame, in order with the JSON frames sent before. @throws RangeError for a type or size no reader takes. */
  sendBinary(type: number, payload: Uint8Array): void {
    if (this.#closeReason === null) this.#outbox.sendBytes(encodeBinaryFrame(type, payload));
  }

  /** Sends what is queued, then ends; pending calls are rejected with the reason. */
  close(reason: AirlockError = new AirlockError('UNAVAILABLE', 'the connection was closed')): void {
    if (this.#closeReason !== null) return;
    this.#outbox.flush();
    this.#finish(reason);
    if (this.#socket.writableLength === 0) return void this.#socket.destroy();
    // A peer that never reads the last bytes must not keep the descriptor.
    this.#closing = this.#options.timers.after(LIMITS.closeGraceMs, () => this.#socket.destroy());
    this.#socket.destroySoon();
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('drain', () => {
      this.#mayHold();
      socket.resume();
    });
    socket.on('end', () => this.#onEnd());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#onSocketClosed());
  }

  #onData(chunk: Buffer): void {
    if (this.#closeReason !== null) return;
    const frames = this.#reader.push(chunk);
    this.#watch.onBytes(frames.length > 0, this.#reader.isPartial);
    for (const frame of frames) {
      this.#onFrame(frame);
      if (!this.isOpen) return;
    }
    if (!this.#mayHold()) this.#answerTooMuchHeld();
  }

  /** IPC-11. */
  #mayHold(): boolean {
    return this.#closeReason !== null || this.#share.hold(this.#reader.heldBytes + this.#socket.writableLength);
  }

  #answerTooMuchHeld(): void {
    this.#reader.discard();
    const hint = 'send smaller frames, read answers, or use fewer connections';
    this.#refuseFrame(new AirlockError('RATE_LIMITED', 'the connections of this socket hold too much memory', { hint }));
  }

  #onFrame(frame: Frame): void {
    if (frame.kind === 'json') this.#onJson(frame.bytes);
    else if (frame.kind === 'refused') this.#refuseFrame(frame.error);
    else this.#onBinaryFrame(frame.type, frame.payload);
  }

  /** A receiver that throws ends this connection, not the process. */
  #onBinaryFrame(type: number, payload: Buffer): void {
    try {
      if (!this.#onBinary) throw new FrameError('FRAME_INVALID', 'a binary frame where none is expected', true);
      this.#onBinary(type, payload, this);
    } catch (thrown) {
      if (!(thrown instanceof AirlockError)) this.#options.events.onInternalError?.('binary frame', thrown);
      this.#refuseFrame(asAirlockError(thrown));
    }
  }

  #onJson(bytes: Buffer): void {
    let value: unknown;
    try {
      value = parseJsonStrict(bytes);
      const message = readMessage(value);
      if (message.kind === 'response') this.#onResponse(message);
      else if (message.kind === 'request') this.#dispatcher.request(message);
      else this.#dispatcher.notification(message);
    } catch (thrown) {
      this.#refuseFrame(asAirlockError(thrown), idOf(value));
    }
  }

  #onResponse(message: ResponseMessage): void {
    if (message.id === null) return this.#onConnectionError(fromWireError(message.error ?? {}));
    if (!this.#pending.settle(message)) throw new FrameError('FRAME_INVALID', 'an answer to a request never sent', true);
  }

  /** The server says why it will not serve this connection; that is what pending calls are told. */
  #onConnectionError(error: AirlockError): void {
    if (this.#options.answersErrors) throw new FrameError('FRAME_INVALID', 'an error about no request', true);
    this.close(error);
  }

  /** WIRE-9: answers, tells the owner, and ends the connection where the frame could not be parsed. */
  #refuseFrame(error: AirlockError, id: RequestId | null = null): void {
    this.#options.events.onProtocolError?.(this, error);
    const goesOn = error instanceof FrameError && !error.fatal && this.#options.answersErrors;
    if (!goesOn) this.#answerAndClose(error, id);
    else if (this.isOpen) this.#outbox.send(errorText(id, error));
  }

  /** On a socket of binary frames alone the owner answers, in onProtocolError, while the connection is open. */
  #answerAndClose(error: AirlockError, id: RequestId | null = null): void {
    const { answersErrors, limits } = this.#options;
    if (this.isOpen && answersErrors && limits.maxFrameInBytes > 0) this.#outbox.send(errorText(id, error));
    this.close(error);
  }

  /** The peer sent its last byte; it still gets the answers to what it asked. */
  #onEnd(): void {
    this.#isEnding = true;
    this.#options.events.onEnding?.(this);
    this.#afterAnswer();
  }

  #afterAnswer(): void {
    if (this.#isEnding && this.#dispatcher.inFlight === 0) this.close(closedByPeer());
  }

  #cutOff(): void {
    const error = new AirlockError('UNAVAILABLE', 'the other side does not read its answers');
    this.#options.events.onProtocolError?.(this, error);
    this.#finish(error);
    this.#socket.destroy();
  }

  #onSocketClosed(): void {
    this.#closing?.cancel();
    this.#finish(closedByPeer());
  }

  #finish(reason: AirlockError): void {
    if (this.#closeReason !== null) return;
    this.#closeReason = reason;
    this.#watch.stop();
    this.#share.hold(0);
    this.#pending.rejectAll(reason);
    this.#options.events.onClose?.(this, reason);
  }
}
