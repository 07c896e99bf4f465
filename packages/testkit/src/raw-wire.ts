/** A client without manners: writes any bytes to a Unix socket and keeps what comes back. */
import { connect } from 'node:net';

export interface RawAnswer {
  readonly bytes: Buffer;
  /** The server ended the connection; else the time was over or `enough` was satisfied. */
  readonly closed: boolean;
}

export interface RawOptions {
  /** Ends the exchange as soon as this holds of what came back; by default, a whole line. */
  readonly enough?: (bytes: Buffer) => boolean;
  readonly timeoutMs?: number;
  /** Ends our side after writing. */
  readonly end?: boolean;
}

const hasLine = (bytes: Buffer): boolean => bytes.includes(0x0a);

/** One connection: writes, waits for an answer or the end, and closes. Never rejects. */
export const rawExchange = (
  path: string,
  bytes: Uint8Array,
  { enough = hasLine, timeoutMs = 1500, end = false }: RawOptions = {},
): Promise<RawAnswer> =>
  new Promise((resolve) => {
    const socket = connect({ path, allowHalfOpen: true });
    const parts: Buffer[] = [];
    const finish = (closed: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ bytes: Buffer.concat(parts), closed });
    };
    const timer = setTimeout(() => finish(false), timeoutMs);
    socket.on('connect', () => (end ? socket.end(bytes) : socket.write(bytes)));
    socket.on('data', (chunk) => {
      parts.push(chunk);
      if (enough(Buffer.concat(parts))) finish(false);
    });
    socket.on('end', () => finish(true));
    socket.on('error', () => finish(true));
  });

/** A binary frame of release.md: type, length, payload. */
export const binaryFrame = (type: number, payload: Uint8Array): Buffer => {
  const head = Buffer.alloc(5);
  head.writeUInt8(type);
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
};

/** Lines of JSON in what came back. */
export const linesOf = ({ bytes }: RawAnswer): { readonly error?: { readonly data: { readonly code: string } } }[] =>
  bytes
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as object);
