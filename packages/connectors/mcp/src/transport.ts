/** What a connection to a server has to do, whatever carries it. */
import type { Members } from './contract.js';
import type { Id, Message } from './message.js';

export type Answer = Extract<Message, { kind: 'result' | 'error' }>;
/** What a server says unasked. */
export type Spoken = Extract<Message, { kind: 'request' | 'notification' }>;

export interface Asked {
  readonly id: number;
  readonly method: string;
  readonly params: Members;
  readonly signal: AbortSignal;
  /** HTTP headers of this request only. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether the server is told when the request is given up. */
  readonly tellCancelled: boolean;
  /** What the server says about this request, as far as the transport can tell. */
  readonly onSpoken: (spoken: Spoken) => void;
}

export interface Transport {
  /** @throws Unanswered where the request may have arrived, SessionLost, AirlockError where it did not or was refused */
  request(asked: Asked): Promise<Answer>;
  notify(method: string, params: Members): Promise<void>;
  respond(
    id: Id,
    body: { readonly result: unknown } | { readonly error: { readonly code: number; readonly message: string } },
  ): void;
  /** Called after the handshake of 2025-11-25. */
  listen(): void;
  readonly isOver: boolean;
  close(): Promise<void>;
}

export interface TransportEvents {
  /** What belongs to no request that the transport could name. */
  readonly onSpoken: (spoken: Spoken) => void;
}

/** The error of JSON-RPC for what nobody here does. */
export const METHOD_NOT_FOUND = -32601;
