/** Between node:http and the Request and Response that the MCP server works with; what is read and held is bounded. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Timers } from '@airlock/protocol';

/** All that a tool may see of a request: never who asks, nor with which token. */
const PASSED_ON = /^(?:accept|content-type|last-event-id|user-agent|mcp-[a-z0-9-]+)$/;
/** Of one hop, and so node's own. */
const HOP_HEADERS = ['connection', 'keep-alive', 'transfer-encoding'];

/** Every value of a header as it was sent: node keeps one of several, and the one it keeps may not be the one that counts. */
export const headerValues = ({ rawHeaders }: IncomingMessage, name: string): readonly string[] =>
  rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name);

/** The whole body; null where it is longer than `maxBytes`, which is found before it is held. */
export const readBody = async (req: IncomingMessage, maxBytes: number): Promise<Buffer | null> => {
  if (Number(req.headers['content-length'] ?? 0) > maxBytes) return null;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of req.iterator({ destroyOnReturn: false })) {
    const part = chunk as Buffer;
    bytes += part.length;
    if (bytes > maxBytes) return null;
    chunks.push(part);
  }
  return Buffer.concat(chunks);
};

const passedOn = ({ headers }: IncomingMessage): [string, string][] =>
  Object.entries(headers).flatMap(([name, value]) =>
    PASSED_ON.test(name) && typeof value === 'string' ? [[name, value] as [string, string]] : [],
  );

/** `signal` aborts when the client goes away. */
export const webRequest = (req: IncomingMessage, url: string, body: Buffer, signal: AbortSignal): Request => {
  const { method = 'GET' } = req;
  const init = { method, headers: passedOn(req), signal };
  return new Request(url, method === 'GET' || method === 'HEAD' ? init : { ...init, body: body.toString('utf8') });
};

/** Resolves when the client took what was written; a client that does not is cut off after `drainMs`. */
const drained = (res: ServerResponse, drainMs: number, timers: Timers): Promise<void> =>
  new Promise((resolve) => {
    const timer = timers.after(drainMs, () => res.destroy());
    const go = (): void => {
      timer.cancel();
      res.off('drain', go);
      res.off('close', go);
      resolve();
    };
    res.on('drain', go);
    res.on('close', go);
  });

const pump = async (res: ServerResponse, body: ReadableStream<Uint8Array>, drainMs: number, timers: Timers): Promise<void> => {
  const reader = body.getReader();
  res.once('close', () => void reader.cancel().catch(() => undefined));
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    if (res.destroyed) return;
    if (!res.write(value)) await drained(res, drainMs, timers);
  }
};

/** Sends the answer. A request that was not read to its end is answered, and its connection closed. */
export const sendResponse = async (
  req: IncomingMessage,
  res: ServerResponse,
  response: Response,
  { drainMs, timers }: { readonly drainMs: number; readonly timers: Timers },
): Promise<void> => {
  for (const [name, value] of response.headers) if (!HOP_HEADERS.includes(name)) res.setHeader(name, value);
  if (!req.complete) {
    res.setHeader('connection', 'close');
    req.resume();
  }
  res.writeHead(response.status);
  res.flushHeaders();
  if (response.body !== null) await pump(res, response.body as ReadableStream<Uint8Array>, drainMs, timers);
  res.end();
};
