/**
 * A client of the system bus: authenticates as its own user, calls with texts, hears signals.
 *
 * PRESENCE-9  a message that is none ends the connection; whose signals count is for the caller, by `sender`.
 */
import { systemTimers, type TimerHandle, type Timers } from '@airlock/protocol';
import { connect, type Socket } from 'node:net';
import { PRESENCE_LIMITS } from '../limits.js';
import { CALL, ERROR, formatMessage, lengthOf, parseMessage, RETURN, SIGNAL, type Message } from './message.js';
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
  readonly onSignal: (signal: Message) => void;
  readonly onClose: (reason: string) => void;
  readonly timers?: Timers;
}

interface Waiting {
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
      this.#waiting.set(serial, { resolve, reject, timer });
      this.#socket.write(formatMessage({ type: CALL, serial, ...target, body }));
    });
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
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
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
    if (length === null || this.#bytes.length < length) return false;
    const message = parseMessage(this.#bytes.subarray(0, length));
    this.#bytes = this.#bytes.subarray(length);
    this.#dispatch(message);
    return !this.#isClosed;
  }

  #dispatch(message: Message): void {
    if (message.type === SIGNAL) return this.#events.onSignal(message);
    if (message.type !== RETURN && message.type !== ERROR) return;
    const waiting = this.#waiting.get(message.replySerial ?? 0);
    if (waiting === undefined) return;
    this.#waiting.delete(message.replySerial ?? 0);
    waiting.timer.cancel();
    if (message.type === RETURN) waiting.resolve(message.body);
    else waiting.reject(new Error(message.errorName ?? 'refused'));
  }
}

/** Connected, authenticated and named. @throws Error */
export const openBus = async (address: string, events: BusEvents): Promise<Bus> => {
  const path = socketPath(address);
  const socket = await new Promise<Socket>((resolve, reject) => {
    const opening = connect({ path });
    opening.once('error', reject);
    opening.once('connect', () => resolve(opening));
  });
  const bus = new Bus(socket, events);
  try {
    await bus.authenticate(process.getuid?.() ?? 0);
  } catch (thrown) {
    bus.close(thrown instanceof Error ? thrown.message : 'the bus does not let us in');
    throw thrown;
  }
  return bus;
};
