/** Syslog receivers: UDP datagrams, or a stream over TCP or a Unix socket. */
import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { EXPORT_LIMITS } from './limits.js';
import { NotDelivered, type Sink } from './sink.js';
import { octetCounted, syslogMessage, type SyslogFormat } from './syslog.js';

const failureOf = (thrown: unknown): NotDelivered =>
  new NotDelivered((thrown as NodeJS.ErrnoException | null)?.code ?? 'the connection ended');

/** Nobody answers a datagram: what was sent is gone, whether somebody listens or not. */
export const udpSink = (host: string, port: number, format: SyslogFormat): Sink => {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.on('error', () => undefined);
  const send = (bytes: Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      socket.send(bytes, port, host, (error) => {
        if (error === null) resolve();
        else reject(failureOf(error));
      });
    });
  return {
    settleMs: 0,
    deliver: async (records, traces) => {
      for (const record of records) await send(syslogMessage(record, format));
      return traces;
    },
    isBroken: () => false,
    close: () => void socket.close(),
  };
};

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
