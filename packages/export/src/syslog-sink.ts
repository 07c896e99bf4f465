/** Syslog receivers: UDP datagrams, or a stream over TCP or a Unix socket. */
import { systemTimers } from '@airlock/protocol';
import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { connect, type Socket } from 'node:net';
import { EXPORT_LIMITS } from './limits.js';
import { NotDelivered, type Sink } from './sink.js';
import { octetCounted, syslogMessage, type SyslogFormat } from './syslog.js';

const WORDS: Readonly<Record<string, string>> = {
  EPROTOTYPE:
    'EPROTOTYPE: it takes datagrams, as /dev/log does; use UDP on the loopback, or a stream socket (rsyslog: imptcp, path=)',
};

const failureOf = (thrown: unknown): NotDelivered => {
  const code = (thrown as NodeJS.ErrnoException | null)?.code ?? 'the connection ended';
  return new NotDelivered(WORDS[code] ?? code);
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => void systemTimers.after(ms, resolve));

/**
 * Nobody answers a datagram, but a port where nobody listens is told by the receiver's kernel (ICMP): such a batch is sent again.
 * What is lost on the way, or in a receiver's full buffer, is lost.
 */
class UdpSink implements Sink {
  readonly settleMs = EXPORT_LIMITS.settleMs;
  readonly #host: string;
  readonly #port: number;
  readonly #format: SyslogFormat;
  #socket: Datagrams | null = null;
  #isBroken = false;

  constructor(host: string, port: number, format: SyslogFormat) {
    this.#host = host;
    this.#port = port;
    this.#format = format;
  }

  isBroken(): boolean {
    return this.#isBroken;
  }

  async deliver(records: Parameters<Sink['deliver']>[0], traces: Parameters<Sink['deliver']>[1]): ReturnType<Sink['deliver']> {
    const socket = this.#socket ?? (await this.#open());
    for (const [at, record] of records.entries()) {
      if (at > 0 && at % EXPORT_LIMITS.datagramsInARow === 0) await pause(EXPORT_LIMITS.datagramPauseMs);
      await this.#send(socket, syslogMessage(record, this.#format));
      if (this.#isBroken) throw new NotDelivered('nobody listens there');
    }
    return traces;
  }

  close(): void {
    this.#socket?.close();
    this.#socket = null;
  }

  /** Connected, or the kernel would tell nobody that nobody listens. */
  async #open(): Promise<Datagrams> {
    const { address, family } = await lookup(this.#host).catch((thrown: unknown) => Promise.reject(failureOf(thrown)));
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    this.#isBroken = false;
    this.#socket = socket;
    socket.on('error', () => this.#lost());
    await new Promise<void>((resolve, reject) => {
      socket.once('error', (error) => reject(failureOf(error)));
      socket.connect(this.#port, address, resolve);
    });
    return socket;
  }

  #lost(): void {
    this.#isBroken = true;
    this.close();
  }

  #send(socket: Datagrams, bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      socket.send(bytes, (error) => {
        if (error === null) return resolve();
        if (this.#socket === socket) this.#lost();
        reject(failureOf(error));
      });
    });
  }
}

export const udpSink = (host: string, port: number, format: SyslogFormat): Sink => new UdpSink(host, port, format);

export type StreamTarget = { readonly host: string; readonly port: number } | { readonly path: string };

/** A stream that lives on for `settleMs` after a write has taken it; what it took last before it broke is sent again. */
class StreamSink implements Sink {
  readonly settleMs = EXPORT_LIMITS.settleMs;
  readonly #target: StreamTarget;
  readonly #format: SyslogFormat;
  #socket: Socket | null = null;
  #isBroken = false;

  constructor(target: StreamTarget, format: SyslogFormat) {
    this.#target = target;
    this.#format = format;
  }

  isBroken(): boolean {
    return this.#isBroken;
  }

  async deliver(records: Parameters<Sink['deliver']>[0], traces: Parameters<Sink['deliver']>[1]): ReturnType<Sink['deliver']> {
    const socket = this.#socket ?? (await this.#open());
    await this.#write(socket, Buffer.concat(records.map((record) => octetCounted(syslogMessage(record, this.#format)))));
    return traces;
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = null;
  }

  #open(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.#target);
      const fail = (thrown: unknown): void => {
        socket.destroy();
        reject(failureOf(thrown));
      };
      socket.setTimeout(EXPORT_LIMITS.timeoutMs, () => fail({ code: 'ETIMEDOUT' }));
      socket.once('error', fail);
      socket.once('connect', () => {
        socket.setTimeout(0);
        socket.off('error', fail);
        this.#follow(socket);
        resolve(socket);
      });
    });
  }

  #follow(socket: Socket): void {
    this.#socket = socket;
    this.#isBroken = false;
    const lost = (): void => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#isBroken = true;
      socket.destroy();
    };
    // A receiver has nothing to say; that it ends is what counts.
    socket.resume();
    socket.on('error', lost);
    socket.on('end', lost);
    socket.on('close', lost);
  }

  #write(socket: Socket, bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (thrown: unknown): void => {
        socket.setTimeout(0);
        this.close();
        this.#isBroken = true;
        reject(failureOf(thrown));
      };
      const onClose = (): void => fail(null);
      socket.setTimeout(EXPORT_LIMITS.timeoutMs, () => fail({ code: 'ETIMEDOUT' }));
      socket.once('close', onClose);
      socket.write(bytes, (error) => {
        socket.off('close', onClose);
        socket.setTimeout(0);
        if (error === undefined || error === null) resolve();
        else fail(error);
      });
    });
  }
}

export const streamSink = (target: StreamTarget, format: SyslogFormat): Sink => new StreamSink(target, format);
