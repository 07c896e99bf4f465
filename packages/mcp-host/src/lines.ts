/** The lines of a connection, each bounded; what follows the last one asked for is kept whole. */
import type { Socket } from 'node:net';

type Message = Readonly<Record<string, unknown>>;

const parse = (text: string): Message | null => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Message) : null;
  } catch {
    return null;
  }
};

export interface FirstLine {
  readonly message: Message;
  /** Bytes behind the line that came with it. */
  readonly rest: Buffer;
}

/** Calls `taken` once with the first line, or with null where none came in time, in size or as JSON. The socket is paused then. */
export const firstLine = (
  socket: Socket,
  limits: { readonly maxBytes: number; readonly timeoutMs: number },
  taken: (line: FirstLine | null) => void,
): void => {
  let held = Buffer.alloc(0);
  const done = (line: FirstLine | null): void => {
    clearTimeout(timer);
    socket.off('data', onData);
    socket.off('close', onClose);
    socket.pause();
    taken(line);
  };
  const onClose = (): void => done(null);
  const onData = (piece: Buffer): void => {
    held = Buffer.concat([held, piece]);
    const end = held.indexOf(0x0a);
    if (end < 0 && held.length <= limits.maxBytes) return;
    const message = end < 0 ? null : parse(held.subarray(0, end).toString('utf8'));
    done(message === null ? null : { message, rest: held.subarray(end + 1) });
  };
  const timer = setTimeout(() => done(null), limits.timeoutMs);
  socket.on('data', onData);
  socket.once('close', onClose);
};

/** Every further line. `broken` where one is too long or no object. */
export const eachLine = (
  socket: Socket,
  { maxBytes, rest }: { readonly maxBytes: number; readonly rest: Buffer },
  taken: (message: Message) => void,
  broken: () => void,
): void => {
  let held = Buffer.alloc(0);
  const take = (piece: Buffer): void => {
    held = Buffer.concat([held, piece]);
    for (let end = held.indexOf(0x0a); end >= 0; end = held.indexOf(0x0a)) {
      const message = parse(held.subarray(0, end).toString('utf8'));
      held = held.subarray(end + 1);
      if (message === null) return broken();
      taken(message);
    }
    if (held.length > maxBytes) broken();
  };
  take(rest);
  socket.on('data', take);
  socket.resume();
};
