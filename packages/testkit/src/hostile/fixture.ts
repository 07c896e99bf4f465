/** What a hostile upstream is: a server of one connection, one call of an agent, and how that has to end. */
import type { Socket } from 'node:net';
import type { ErrorCode, Json } from '@airlock/protocol';

export type HostileKind = 'imap' | 'caldav' | 'ics' | 'http-json';

export interface HostileFixture {
  /** In lower case with dashes, unique. */
  readonly name: string;
  readonly kind: HostileKind;
  readonly operation: string;
  /** `PORT` in a text stands for the port the cell asks. */
  readonly params: Readonly<Record<string, Json>>;
  /** Serves one connection of the cell; `port` is the one it came in by. */
  readonly connection: (socket: Socket, port: number) => void;
  /** The code the call ends with, or what its result must not or has to look like (null: as it should be). */
  readonly expect: { readonly code: ErrorCode } | { readonly result: (result: Json) => string | null };
  /** What becomes of the connection to the upstream once the call is answered. */
  readonly upstream: 'closed' | 'kept' | 'either';
  /** Ends only by a deadline: run beside the others. */
  readonly slow?: true;
}

/** Writes the same bytes as fast as they are taken, until the other side closes. */
export const flood = (socket: Socket, chunk: Buffer): void => {
  const more = (): void => {
    while (!socket.destroyed && socket.write(chunk));
    socket.once('drain', more);
  };
  more();
};

/** Writes one byte every `everyMs` until the other side closes. */
export const drip = (socket: Socket, text: string, everyMs = 200): void => {
  let at = 0;
  const timer = setInterval(() => {
    if (socket.destroyed) clearInterval(timer);
    else socket.write(text[at++ % text.length] ?? ' ');
  }, everyMs);
  timer.unref();
  socket.once('close', () => clearInterval(timer));
};
