/** MCP over a WebSocket: one JSON-RPC message a text message, as lines on stdio. */
import { parseJSONRPCMessage, type JSONRPCMessage, type Transport } from '@modelcontextprotocol/server';
import { parseJsonStrict } from '@airlock/protocol';
import type { RawData, WebSocket } from 'ws';

/** RFC 6455 §7.4.1. */
const CLOSE = { done: 1000, unsupportedData: 1003 } as const;
const PARSE_ERROR = JSON.stringify({
  jsonrpc: '2.0',
  id: null,
  error: { code: -32700, message: 'Parse error: expected one JSON-RPC message of at most 32 levels' },
});

const bytesOf = (data: RawData): Buffer => {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
};

export class WebSocketTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #socket: WebSocket;
  readonly #maxUnsentBytes: number;

  /** A peer with more than `maxUnsentBytes` unread is cut off. */
  constructor(socket: WebSocket, maxUnsentBytes: number) {
    this.#socket = socket;
    this.#maxUnsentBytes = maxUnsentBytes;
  }

  start(): Promise<void> {
    this.#socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    this.#socket.on('error', (error) => this.onerror?.(error));
    this.#socket.once('close', () => this.onclose?.());
    return Promise.resolve();
  }

  send(message: JSONRPCMessage): Promise<void> {
    return this.#write(JSON.stringify(message));
  }

  close(): Promise<void> {
    this.#socket.close(CLOSE.done);
    return Promise.resolve();
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (isBinary) {
      this.#socket.close(CLOSE.unsupportedData, 'text messages only');
      return;
    }
    const message = this.#parse(bytesOf(data));
    if (message === null) void this.#write(PARSE_ERROR).catch(() => undefined);
    else this.onmessage?.(message);
  }

  #parse(bytes: Buffer): JSONRPCMessage | null {
    try {
      return parseJSONRPCMessage(parseJsonStrict(bytes));
    } catch (thrown) {
      this.onerror?.(thrown instanceof Error ? thrown : new Error('not a message'));
      return null;
    }
  }

  #write(text: string): Promise<void> {
    if (this.#socket.bufferedAmount > this.#maxUnsentBytes) this.#socket.terminate();
    return new Promise((resolve, reject) => {
      this.#socket.send(text, (error) => (error ? reject(error) : resolve()));
    });
  }
}
