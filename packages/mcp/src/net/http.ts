/** Streamable HTTP: from a request to its answer, one check after the other. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { asAirlockError, parseJsonStrict, type Timers } from '@airlock/protocol';
import { checkBearer, checkFront, type Authenticate, type Front } from './admission.js';
import { serviceOfPath, type Endpoints } from './endpoints.js';
import type { NetLimits } from './limits.js';
import { readBody, sendResponse, webRequest } from './node-http.js';
import { refusal, refusalOf } from './refusal.js';

/** Serves what is no endpoint: metadata and sign-in. Null where it has nothing at this path. */
export type SideRoutes = (req: IncomingMessage, front: Front) => Promise<Response | null>;

export interface HttpOptions {
  readonly endpoints: Endpoints;
  readonly authenticate: Authenticate;
  readonly limits: NetLimits;
  readonly timers: Timers;
  readonly sideRoutes?: SideRoutes | undefined;
}

const METHODS = ['GET', 'POST', 'DELETE'];

const tooLarge = (maxBytes: number): Response =>
  refusal(413, {
    code: 'FRAME_TOO_LARGE',
    message: 'the body is too long',
    expected: `at most ${maxBytes} bytes`,
    hint: 'send less',
  });

const notJson = (): Response =>
  Response.json(
    { jsonrpc: '2.0', error: { code: -32700, message: 'Parse error: the body is no JSON of at most 32 levels' }, id: null },
    { status: 400 },
  );

const notFound = (): Response =>
  refusal(404, { code: 'NOT_FOUND', message: 'there is nothing at this path', hint: 'use /mcp, or /mcp/SERVICE' });

const wrongMethod = (): Response =>
  refusal(
    405,
    { code: 'METHOD_UNKNOWN', message: 'the endpoint has no such method', hint: 'use POST, GET or DELETE' },
    {
      allow: METHODS.join(', '),
    },
  );

/** Undefined where the bytes are no JSON. */
const parseBody = (bytes: Buffer): unknown => {
  try {
    return parseJsonStrict(bytes);
  } catch {
    return undefined;
  }
};

const unlessThere = (thrown: unknown): Response => {
  const error = asAirlockError(thrown);
  return refusalOf(error.code === 'SERVICE_UNKNOWN' ? 404 : 503, error);
};

/** When the answer was sent, or the client went away. */
const endOf = (res: ServerResponse): { readonly ended: Promise<void>; readonly signal: AbortSignal } => {
  const controller = new AbortController();
  const ended = new Promise<void>((resolve) => {
    res.once('close', () => {
      resolve();
      if (!res.writableFinished) controller.abort();
    });
  });
  return { ended, signal: controller.signal };
};

const serveEndpoint = async (
  req: IncomingMessage,
  res: ServerResponse,
  front: Front,
  options: HttpOptions,
): Promise<Response> => {
  const { endpoints, authenticate, limits } = options;
  const admitted = checkBearer(req, front, authenticate);
  if (admitted instanceof Response) return admitted;
  const service = serviceOfPath(front.path);
  if (service === null) return notFound();
  if (!METHODS.includes(req.method ?? '')) return wrongMethod();
  const bytes = await readBody(req, limits.bodyBytes);
  if (bytes === null) return tooLarge(limits.bodyBytes);
  const body = req.method === 'POST' ? parseBody(bytes) : undefined;
  if (req.method === 'POST' && body === undefined) return notJson();
  const { ended, signal } = endOf(res);
  try {
    const endpoint = await endpoints.find(service);
    const request = webRequest(req, `http://${front.authority}${front.path}`, bytes, signal);
    return await endpoint.handle({ request, body, owner: admitted.owner, ended });
  } catch (thrown) {
    return unlessThere(thrown);
  }
};

const route = async (req: IncomingMessage, res: ServerResponse, port: number, options: HttpOptions): Promise<Response> => {
  const front = checkFront(req, port);
  if (front instanceof Response) return front;
  const aside = await options.sideRoutes?.(req, front);
  if (aside) return aside;
  if (front.path !== '/mcp' && !front.path.startsWith('/mcp/')) return notFound();
  return serveEndpoint(req, res, front, options);
};

/** Answers one request; never throws. `port` is the one that is listened on. */
export const answerHttp =
  (options: HttpOptions, port: () => number) =>
  (req: IncomingMessage, res: ServerResponse): void => {
    const { limits, timers } = options;
    res.on('error', () => undefined);
    route(req, res, port(), options)
      .catch((thrown: unknown) => refusalOf(500, asAirlockError(thrown)))
      .then((response) => sendResponse(req, res, response, { drainMs: limits.drainMs, timers }))
      .catch(() => res.destroy());
  };
