/** airlock-totp's release.sock as far as a cell sees it: takes one request, answers as told, ends when told. */
import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import {
  FRAME,
  FrameReader,
  encodeBinaryFrame,
  packBlobs,
  unpackBlobs,
  type ErrorCode,
  type ReleaseLimits,
} from '@airlock/protocol';

export type Reply =
  | { readonly dek: Uint8Array; readonly limits: ReleaseLimits }
  | { readonly refuse: ErrorCode }
  | { readonly raw: Buffer }
  | 'hang up';

const frameOf = (reply: Exclude<Reply, 'hang up'>): Buffer => {
  if ('raw' in reply) return reply.raw;
  if ('dek' in reply)
    return encodeBinaryFrame(FRAME.RELEASE_GRANT, packBlobs(reply.dek, Buffer.from(JSON.stringify(reply.limits))));
  const error = { code: -32045, message: 'no such ticket', data: { code: reply.refuse } };
  return encodeBinaryFrame(FRAME.REFUSED, packBlobs(new Uint8Array(0), Buffer.from(JSON.stringify(error))));
};

export class FakeTotp {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Tickets that were presented, in base64url. */
  readonly tickets: string[] = [];
  reply: Reply;

  constructor(reply: Reply) {
    this.reply = reply;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  async listen(path: string): Promise<void> {
    this.#server.listen(path);
    await once(this.#server, 'listening');
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** The release is over: the lease was revoked, say. */
  endReleases(): void {
    for (const socket of this.#sockets) socket.end();
  }

  /** Sends what does not belong there. */
  send(bytes: Buffer): void {
    for (const socket of this.#sockets) socket.write(bytes);
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    const reader = new FrameReader({ maxJsonBytes: 0, maxBinaryBytes: 200_000 });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      for (const frame of reader.push(chunk)) {
        if (frame.kind !== 'binary' || frame.type !== FRAME.RELEASE_REQUEST) return socket.destroy();
        this.tickets.push(unpackBlobs(frame.payload, 0, 3)?.blobs[0]?.toString('base64url') ?? 'malformed');
        if (this.reply === 'hang up') return socket.destroy();
        socket.write(frameOf(this.reply));
      }
    });
  }
}
