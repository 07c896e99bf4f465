/** A CalDAV server of a few lines: one account `ada` with calendars in memory, to which a PUT adds; records what it was asked. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface CaldavRequest {
  readonly method: string;
  readonly path: string;
  readonly depth: string;
  readonly authorization: string;
  readonly ifNoneMatch: string;
  readonly contentType: string;
  readonly body: string;
}

export interface CaldavAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export interface CaldavOptions {
  /** Path of a collection, such as `/ada/work/`, to the texts of its resources by file name. */
  readonly calendars?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Answers instead; undefined: the honest answer; `never`: none. */
  readonly answer?: (request: CaldavRequest, honest: CaldavAnswer) => CaldavAnswer | 'never' | undefined;
}

export interface CaldavDouble {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly requests: readonly CaldavRequest[];
  close(): Promise<void>;
}

const PASSWORD = 'correct-horse';
const EXPECTED = `Basic ${Buffer.from(`ada:${PASSWORD}`).toString('base64')}`;

/** A response element of a multistatus, with one propstat. */
export const davResponse = (href: string, properties: string, status = 'HTTP/1.1 200 OK'): string =>
  `<d:response><d:href>${href}</d:href><d:propstat><d:prop>${properties}</d:prop><d:status>${status}</d:status></d:propstat></d:response>`;

/** A whole multistatus answer. */
export const davAnswer = (...responses: readonly string[]): CaldavAnswer => ({
  status: 207,
  headers: { 'content-type': 'application/xml; charset=utf-8' },
  body: `<?xml version="1.0"?>\n<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">${responses.join('')}</d:multistatus>`,
});

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const etagOf = (text: string): string => `"${text.length}"`;

/** A calendar collection as a listing shows it. */
export const davCalendar = (path: string, name: string): string =>
  davResponse(
    path,
    `<d:resourcetype><d:collection/><c:calendar/></d:resourcetype><d:displayname>${escaped(name)}</d:displayname>`,
  );

/** An event of a calendar-multiget. */
export const davEvent = (path: string, text: string): string =>
  davResponse(path, `<d:getetag>${etagOf(text)}</d:getetag><c:calendar-data>${escaped(text)}</c:calendar-data>`);

type Calendars = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** RFC 9110 §13.1.2: with `If-None-Match: *` nothing that is there is changed. */
const put = (path: string, body: string, ifNoneMatch: string, calendars: Calendars): CaldavAnswer => {
  const [, folder = '', file = ''] = /^(.*\/)([^/]+)$/.exec(path) ?? [];
  const texts = calendars[folder] as Record<string, string> | undefined;
  if (texts === undefined) return { status: 409 };
  const isThere = Object.hasOwn(texts, file);
  if (isThere && ifNoneMatch === '*') return { status: 412 };
  texts[file] = body;
  return { status: isThere ? 204 : 201 };
};

const honest = (
  { method, path, depth, body, authorization, ifNoneMatch }: CaldavRequest,
  { calendars = {} }: CaldavOptions,
): CaldavAnswer => {
  if (authorization !== EXPECTED) return { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };
  if (path === '/.well-known/caldav') return { status: 301, headers: { location: '/' } };
  const home = '<c:calendar-home-set><d:href>/ada/</d:href></c:calendar-home-set>';
  const principal = '<d:current-user-principal><d:href>/principals/ada/</d:href></d:current-user-principal>';
  const texts = calendars[path];
  if (method === 'PROPFIND' && path === '/') return davAnswer(davResponse('/', principal));
  if (method === 'PROPFIND' && path === '/principals/ada/') return davAnswer(davResponse(path, home));
  if (method === 'PROPFIND' && path === '/ada/' && depth === '1')
    return davAnswer(
      davResponse('/ada/', '<d:resourcetype><d:collection/></d:resourcetype>'),
      ...Object.keys(calendars).map((one) => davCalendar(one, one.split('/').at(-2) ?? one)),
    );
  if (method === 'PUT') return put(path, body, ifNoneMatch, calendars);
  if (texts === undefined) return { status: 404 };
  if (method === 'PROPFIND') return davAnswer(davCalendar(path, path.split('/').at(-2) ?? path));
  const files = Object.entries(texts).map(([file, text]) => ({ at: `${path}${file}`, text }));
  if (body.includes('calendar-query'))
    return davAnswer(...files.map(({ at, text }) => davResponse(at, `<d:getetag>${etagOf(text)}</d:getetag>`)));
  const wanted = [...body.matchAll(/<href>([^<]*)<\/href>/g)].map(([, href]) => href);
  return davAnswer(...files.filter(({ at }) => wanted.includes(at)).map(({ at, text }) => davEvent(at, text)));
};

const readBody = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
};

const respond = (response: ServerResponse, answer: CaldavAnswer | 'never'): void => {
  if (answer === 'never') return;
  response.writeHead(answer.status, { ...answer.headers });
  response.end(answer.body ?? '');
};

const handle = async (
  request: IncomingMessage,
  response: ServerResponse,
  options: CaldavOptions,
  seen: CaldavRequest[],
): Promise<void> => {
  const asked: CaldavRequest = {
    method: request.method ?? '',
    path: request.url ?? '',
    depth: String(request.headers['depth'] ?? ''),
    authorization: request.headers.authorization ?? '',
    ifNoneMatch: request.headers['if-none-match'] ?? '',
    contentType: request.headers['content-type'] ?? '',
    body: await readBody(request),
  };
  seen.push(asked);
  const answer = honest(asked, options);
  respond(response, options.answer?.(asked, answer) ?? answer);
};

const serverOf = (options: CaldavOptions, seen: CaldavRequest[]): Server =>
  createServer((request, response) => {
    handle(request, response, options, seen).catch(() => response.destroy());
  });

/** Serves one connection that somebody else accepted. */
export const serveCaldav = (socket: Socket, options: CaldavOptions): void => {
  socket.on('error', () => undefined);
  serverOf(options, []).emit('connection', socket);
};

/** Listens on 127.0.0.1; user `ada`, password `correct-horse`. */
export const startCaldavDouble = async (options: CaldavOptions): Promise<CaldavDouble> => {
  const requests: CaldavRequest[] = [];
  const server = serverOf(options, requests);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
