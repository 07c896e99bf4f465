/**
 * A client of the system bus: authenticates as its own user, calls with texts, hears signals.
 *
 * PRESENCE-9  bytes that no bus sends end the connection. Any user can address a signal to us: one of a sender that does not
 * count is passed over before its body is looked at, however long or broken it is.
 */
import { systemTimers, type TimerHandle, type Timers } from '@airlock/protocol';
import { connect, type Socket } from 'node:net';
import { PRESENCE_LIMITS } from '../limits.js';
import { CALL, ERROR, formatMessage, lengthOf, parseEnvelope, RETURN, SIGNAL, type Envelope, type Message } from './message.js';
import { WireError, type Value } from './reader.js';

export const BUS = 'org.freedesktop.DBus';
const BUS_PATH = '/org/freedesktop/DBus';

/** Object, interface and method of another program. */
export interface Target {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
}

export interface BusEvents {
  /** Whether signals of this sender count, and its answers to what was not asked of the bus. */
  readonly isHeard: (sender: string) => boolean;
  readonly onSignal: (signal: Message) => void;
  readonly onClose: (reason: string) => void;
  readonly timers?: Timers;
}

interface Waiting {
  readonly destination: string;
  readonly resolve: (body: readonly Value[]) => void;
  readonly reject: (error: Error) => void;
  readonly timer: TimerHandle;
}

/** The socket of `unix:path=…`, the first form of an address that is understood. @throws Error */
export const socketPath = (address: string): string => {
  for (const one of address.split(';')) {
    const path = /^unix:(?:.*,)?path=([^,]+)/.exec(one)?.[1];
    if (path !== undefined) return decodeURIComponent(path);
  }
  throw new Error(`the address of the bus is no unix:path=…: ${address.slice(0, 80)}`);
};

export const busTarget = (member: string): Target => ({ destination: BUS, path: BUS_PATH, interface: BUS, member });

export class Bus {
  readonly #socket: Socket;
  readonly #events: BusEvents;
  readonly #timers: Timers;
  readonly #waiting = new Map<number, Waiting>();
  #bytes: Buffer = Buffer.alloc(0);
  /** Bytes still to come of a message that is passed over. */
  #skip = 0;
  #onAuth: ((line: string) => void) | null = null;
  #serial = 0;
  #isClosed = false;

  constructor(socket: Socket, events: BusEvents) {
    this.#socket = socket;
    this.#events = events;
    this.#timers = events.timers ?? systemTimers;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => this.close('the bus ended the connection'));
  }

  /** SASL EXTERNAL: the kernel says who we are. @throws Error */
  async authenticate(uid: number): Promise<void> {
    this.#socket.write(`\0AUTH EXTERNAL ${Buffer.from(String(uid)).toString('hex')}\r\n`);
    const line = await new Promise<string>((resolve, reject) => {
      const timer = this.#timers.after(PRESENCE_LIMITS.callTimeoutMs, () => reject(new Error('the bus does not answer')));
      this.#onAuth = (text) => {
        timer.cancel();
        resolve(text);
      };
    });
    if (!line.startsWith('OK ')) throw new Error('the bus does not let us in');
    this.#socket.write('BEGIN\r\n');
    await this.call(busTarget('Hello'));
  }

  /** @throws Error where it is refused or not answered */
  call(target: Target, ...body: readonly string[]): Promise<readonly Value[]> {
    if (this.#isClosed) return Promise.reject(new Error('the bus is closed'));
    this.#serial += 1;
    const serial = this.#serial;
    return new Promise((resolve, reject) => {
      const timer = this.#timers.after(PRESENCE_LIMITS.callTimeoutMs, () => {
        this.#waiting.delete(serial);
        reject(new Error(`${target.member} is not answered`));
      });
      this.#waiting.set(serial, { destination: target.destination, resolve, reject, timer });
      this.#socket.write(formatMessage({ type: CALL, serial, ...target, body }));
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  close(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.destroy();
    this.#onAuth?.('closed');
    for (const { reject, timer } of this.#waiting.values()) {
      timer.cancel();
      reject(new Error(reason));
    }
    this.#waiting.clear();
    this.#events.onClose(reason);
  }

  #take(chunk: Buffer): void {
    if (this.#isClosed) return;
    const skipped = Math.min(this.#skip, chunk.length);
    this.#skip -= skipped;
    this.#bytes = Buffer.concat([this.#bytes, chunk.subarray(skipped)]);
    try {
      if (this.#onAuth !== null && !this.#readAuth()) return;
      while (this.#readMessage());
    } catch (thrown) {
      this.close(thrown instanceof WireError ? `the bus sent ${thrown.message}` : 'a message could not be read');
    }
  }

  #readAuth(): boolean {
    const end = this.#bytes.indexOf('\r\n');
    if (end > PRESENCE_LIMITS.maxAuthBytes || (end < 0 && this.#bytes.length > PRESENCE_LIMITS.maxAuthBytes))
      throw new WireError('a line that is too long');
    if (end < 0) return false;
    const line = this.#bytes.toString('latin1', 0, end);
    this.#bytes = this.#bytes.subarray(end + 2);
    const onAuth = this.#onAuth;
    this.#onAuth = null;
    onAuth?.(line);
    return true;
  }

  #readMessage(): boolean {
    const length = lengthOf(this.#bytes);
    if (length === null) return false;
    if (length > PRESENCE_LIMITS.maxMessageBytes) return this.#passOver(length);
    if (this.#bytes.length < length) return false;
    const envelope = envelopeOf(this.#bytes.subarray(0, length));
    this.#bytes = this.#bytes.subarray(length);
    if (envelope !== null) this.#dispatch(envelope);
    return !this.#isClosed;
  }

  #passOver(length: number): boolean {
    const here = Math.min(length, this.#bytes.length);
    this.#bytes = this.#bytes.subarray(here);
    this.#skip = length - here;
    return this.#skip === 0;
  }

  #dispatch(envelope: Envelope): void {
    const { type, sender = '', replySerial = 0 } = envelope;
    if (type === SIGNAL && this.#events.isHeard(sender)) return this.#events.onSignal(envelope.open());
    const waiting = this.#waiting.get(replySerial);
    if ((type !== RETURN && type !== ERROR) || waiting === undefined || !this.#mayAnswer(sender, waiting)) return;
    const { body, errorName } = envelope.open();
    this.#waiting.delete(replySerial);
    waiting.timer.cancel();
    if (type === RETURN) waiting.resolve(body);
    else waiting.reject(new Error(errorName ?? 'refused'));
  }

  /** Who was asked, or the bus, which says so where nobody can answer. Serials alone can be guessed. */
  #mayAnswer(sender: string, { destination }: Waiting): boolean {
    return sender === BUS || (destination !== BUS && this.#events.isHeard(sender));
  }
}

/** null: a header that cannot be read, of which nobody knows whose it is. */
const envelopeOf = (bytes: Buffer): Envelope | null => {
  try {
    return parseEnvelope(bytes);
  } catch {
    return null;
  }
};

/** Connected, authenticated and named. `onClose` is of what was opened only. @throws Error */
export const openBus = async (address: string, events: BusEvents): Promise<Bus> => {
  const path = socketPath(address);
  const socket = await new Promise<Socket>((resolve, reject) => {
    const opening = connect({ path });
    opening.once('error', reject);
    opening.once('connect', () => resolve(opening));
  });
  let isOpen = false;
  const onClose = (reason: string): void => {
    if (isOpen) events.onClose(reason);
  };
  const bus = new Bus(socket, { ...events, onClose });
  try {
    await bus.authenticate(process.getuid?.() ?? 0);
    if (bus.isClosed) throw new Error('the bus ended the connection');
  } catch (thrown) {
    bus.close(thrown instanceof Error ? thrown.message : 'the bus does not let us in');
    throw thrown;
  }
  isOpen = true;
  return bus;
};
