/** A client that costs as little as one can: one line out, one line in, the same for product and baseline. */
import { connect, type Socket } from 'node:net';

/** Calls over one socket; an error in an answer is thrown, for what is refused is quick and no measure of a call. */
export class LineClient {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, { resolve: (message: object) => void; reject: (error: Error) => void }>();
  #rest = '';
  #next = 0;

  constructor(path: string) {
    this.#socket = connect(path);
    const lost = (error?: Error): void => {
      for (const { reject } of this.#waiting.values()) reject(error ?? new Error('the connection was closed'));
      this.#waiting.clear();
    };
    this.#socket.on('error', lost).on('close', () => lost());
    this.#socket.setEncoding('utf8').on('data', (text: string) => {
      const parts = (this.#rest + text).split('\n');
      this.#rest = parts.pop() ?? '';
      for (const part of parts) this.#take(JSON.parse(part) as { id?: number; error?: unknown });
    });
  }

  call(method: string, params: object): Promise<object> {
    this.#next += 1;
    const id = this.#next;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(message: { id?: number; error?: unknown }): void {
    if (message.id === undefined) return;
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.error === undefined) waiting?.resolve(message);
    else waiting?.reject(new Error(JSON.stringify(message.error)));
  }
}

/** What a count since a moment comes to in a second. */
export const perSecond = (count: number, startMs: number): number => (count / (performance.now() - startMs)) * 1000;

/** One call after the other. @returns calls a second */
export const sequential = async (client: LineClient, method: string, params: object, count: number): Promise<number> => {
  const start = performance.now();
  for (let n = 0; n < count; n += 1) await client.call(method, params);
  return perSecond(count, start);
};

/** As many at once as there are clients. @returns calls a second, all together */
export const parallel = async (
  clients: readonly LineClient[],
  method: string,
  params: object,
  total: number,
): Promise<number> => {
  const start = performance.now();
  await Promise.all(clients.map((client) => sequential(client, method, params, total / clients.length)));
  return perSecond(total, start);
};
