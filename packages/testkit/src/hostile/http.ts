/** HTTP servers that mean harm, by name, with what a client has to make of them. */
import { brotliCompressSync, deflateRawSync, gzipSync } from 'node:zlib';
import type { ErrorCode } from '@airlock/protocol';
import { drip, pour, serveRaw, type Attack, type Served } from './server.js';

export interface HostileHttp {
  readonly name: string;
  /** `json`: it is proper HTTP, and the harm is in the document. */
  readonly level: 'http' | 'json';
  /** Ends by a timeout of the client and not before. */
  readonly slow: boolean;
  readonly expect: { readonly code: ErrorCode; readonly found?: string };
  serve(): Promise<Served>;
}

const MIB = 1024 * 1024;
const OK = 'HTTP/1.1 200 OK\r\n';
const JSON_TYPE = 'content-type: application/json\r\n';

const answer = (body: Buffer | string, headers = ''): Attack => {
  const bytes = Buffer.from(body);
  return (socket) => {
    socket.write(`${OK}${JSON_TYPE}${headers}content-length: ${bytes.length}\r\n\r\n`);
    socket.write(bytes);
  };
};

const say =
  (text: string): Attack =>
  (socket) =>
    void socket.write(text, 'latin1');

const sayAndEnd =
  (text: string): Attack =>
  (socket) =>
    void socket.end(text, 'latin1');

const redirect =
  (location: (port: number, request: string) => string, status = 302): Attack =>
  (socket, request, port) =>
    void socket.write(`HTTP/1.1 ${status} Found\r\nlocation: ${location(port, request)}\r\ncontent-length: 0\r\n\r\n`);

/** Members follow one another in one stream (RFC 1952 §2.2), so that a small file is a bomb of any size. */
const manyMembers = (): Buffer => Buffer.concat(Array.from({ length: 64 }, () => gzipSync(Buffer.alloc(MIB))));

/** Shrinks about twentyfold: below every ratio, above every size. */
const dullText = (): Buffer =>
  Buffer.from(
    Array.from({ length: (8 * MIB) / 64 }, (_, index) => String((index * 2_654_435_761) % 100_000).padStart(64, 'x')).join(''),
  );

const http = (name: string, attack: () => Attack, code: ErrorCode, found?: string, path = '/'): HostileHttp => ({
  name,
  level: 'http',
  slow: code === 'UPSTREAM_TIMEOUT',
  expect: { code, ...(found === undefined ? {} : { found }) },
  serve: () => serveRaw(attack(), path),
});

const refusedBy = (name: string, found: string, attack: () => Attack, path = '/'): HostileHttp =>
  http(name, attack, 'UPSTREAM_REFUSED', found, path);

/** Refused for its ratio or its size, whichever the client's limits meet first. */
const bomb = (name: string, attack: () => Attack): HostileHttp => http(name, attack, 'UPSTREAM_REFUSED');

const json = (name: string, found: string, body: string | Buffer, type = 'application/json'): HostileHttp => {
  const attack: Attack = (socket) => {
    const bytes = Buffer.from(body);
    socket.write(`${OK}content-type: ${type}\r\ncontent-length: ${bytes.length}\r\n\r\n`);
    socket.write(bytes);
  };
  return { name, level: 'json', slow: false, expect: { code: 'UPSTREAM_REFUSED', found }, serve: () => serveRaw(attack) };
};

const step = (request: string): number => Number(/^GET \/(\d+)/.exec(request)?.[1] ?? 0) + 1;

const COMPRESSION: readonly HostileHttp[] = [
  bomb('gzip bomb', () => answer(gzipSync(Buffer.alloc(32 * MIB)), 'content-encoding: gzip\r\n')),
  refusedBy('gzip bomb of many members', 'body_too_large', () => answer(manyMembers(), 'content-encoding: gzip\r\n')),
  refusedBy('brotli bomb', 'compression', () => answer(brotliCompressSync(Buffer.alloc(32 * MIB)), 'content-encoding: br\r\n')),
  bomb('deflate bomb', () => answer(deflateRawSync(Buffer.alloc(32 * MIB)), 'content-encoding: deflate\r\n')),
  refusedBy('gzip within gzip', 'compression', () => answer(gzipSync(manyMembers()), 'content-encoding: gzip, gzip\r\n')),
  refusedBy('compressed text of eight megabytes', 'body_too_large', () =>
    answer(gzipSync(dullText()), 'content-encoding: gzip\r\n'),
  ),
  refusedBy('plain text said to be gzip', 'compression', () => answer('{"a":1}', 'content-encoding: gzip\r\n')),
  refusedBy('gzip broken off', 'compression', () => answer(gzipSync('{"a":1}').subarray(0, -9), 'content-encoding: gzip\r\n')),
  refusedBy('unknown coding', 'compression', () => answer('{"a":1}', 'content-encoding: zstd\r\n')),
];

const REDIRECTS: readonly HostileHttp[] = [
  refusedBy('redirect loop', 'too_many_redirects', () => redirect(() => '/')),
  refusedBy('redirect chain without end', 'too_many_redirects', () => redirect((_, request) => `/${step(request)}`, 307)),
  refusedBy('redirect to another port', 'redirect_refused', () => redirect((port) => `http://127.0.0.1:${port ^ 1}/`)),
  refusedBy('redirect to the metadata service', 'redirect_refused', () =>
    redirect(() => 'http://169.254.169.254/latest/meta-data/'),
  ),
  refusedBy('redirect to a file', 'redirect_refused', () => redirect(() => 'file:///etc/passwd', 301)),
  refusedBy('redirect with a user', 'redirect_refused', () => redirect((port) => `http://ada:word@127.0.0.1:${port}/`, 308)),
  refusedBy('redirect with an endless body', 'body_too_large', () => (socket) => {
    socket.write('HTTP/1.1 302 Found\r\nlocation: /\r\n\r\n');
    pour(socket, () => 'x'.repeat(64 * 1024));
  }),
];

const SLOW: readonly HostileHttp[] = [
  http('no answer at all', () => () => undefined, 'UPSTREAM_TIMEOUT', 'idle'),
  http(
    'headers that drip',
    () => (socket) => {
      socket.write(OK);
      drip(socket, 20, 'x-a: b\r\n');
    },
    'UPSTREAM_TIMEOUT',
    'idle',
  ),
  http('body that never comes', () => say(`${OK}content-length: 10\r\n\r\n`), 'UPSTREAM_TIMEOUT', 'idle'),
  http(
    'body that drips',
    () => (socket) => {
      socket.write(`${OK}transfer-encoding: chunked\r\n\r\n`);
      drip(socket, 20, '1\r\nx\r\n');
    },
    'UPSTREAM_TIMEOUT',
    'total',
  ),
  http(
    'interim answers without end',
    () => (socket) => drip(socket, 5, 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'),
    'UPSTREAM_TIMEOUT',
  ),
];

const FRAMING: readonly HostileHttp[] = [
  refusedBy('length that promises too much', 'malformed', () => sayAndEnd(`${OK}content-length: 1000\r\n\r\n{"a":1}`)),
  refusedBy('two lengths', 'malformed', () => say(`${OK}content-length: 7\r\ncontent-length: 2\r\n\r\n{"a":1}`)),
  refusedBy('length and chunks', 'malformed', () => say(`${OK}content-length: 7\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`)),
  refusedBy('chunks of garbage', 'malformed', () => say(`${OK}transfer-encoding: chunked\r\n\r\nzz\r\n{"a":1}\r\n`)),
  refusedBy('chunk of unthinkable size', 'malformed', () => say(`${OK}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nx`)),
  refusedBy('chunks broken off', 'malformed', () => sayAndEnd(`${OK}transfer-encoding: chunked\r\n\r\n7\r\n{"a"`)),
  refusedBy('length below zero', 'malformed', () => say(`${OK}content-length: -1\r\n\r\n`)),
  refusedBy('not HTTP', 'malformed', () => sayAndEnd('SSH-2.0-OpenSSH_9.2\r\n')),
  refusedBy('upgrade that nobody asked for', 'malformed', () =>
    say('HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
  ),
  refusedBy('reset in the middle', 'malformed', () => (socket) => {
    socket.write(`${OK}content-length: 1000\r\n\r\n{`, () => socket.resetAndDestroy());
  }),
];

const SIZES: readonly HostileHttp[] = [
  refusedBy('headers without end', 'headers_too_large', () => (socket) => {
    socket.write(OK);
    pour(socket, () => `x-${'a'.repeat(100)}: b\r\n`.repeat(100));
  }),
  refusedBy('one endless header', 'headers_too_large', () => (socket) => {
    socket.write(`${OK}x: `);
    pour(socket, () => 'y'.repeat(64 * 1024));
  }),
  refusedBy('body without end', 'body_too_large', () => (socket) => {
    socket.write(`${OK}${JSON_TYPE}\r\n`);
    pour(socket, () => '['.repeat(64 * 1024));
  }),
  refusedBy('chunks without end', 'body_too_large', () => (socket) => {
    socket.write(`${OK}transfer-encoding: chunked\r\n\r\n`);
    pour(socket, () => `4000\r\n${'z'.repeat(0x4000)}\r\n`);
  }),
  refusedBy('length of ten gigabytes', 'body_too_large', () => say(`${OK}content-length: 10000000000\r\n\r\n`)),
];

const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

const DOCUMENTS: readonly HostileHttp[] = [
  json('HTML said to be HTML', 'not_json', '<html></html>', 'text/html'),
  json('JSON said to be text', 'not_json', '{"a":1}', 'text/plain'),
  json('JSON of a hundred thousand levels', 'bad_json', deep(100_000)),
  json('the same key twice', 'bad_json', '{"a":1,"a":2}'),
  json('the same key in two spellings', 'bad_json', '{"a":1,"\\u0061":2}'),
  json('a number beyond a double', 'bad_json', '{"a":1e999}'),
  json('a prototype', 'bad_json', '{"__proto__":{"a":1}}'),
  json('a lone surrogate', 'bad_json', '{"a":"\\ud800"}'),
  json('bytes that are no UTF-8', 'bad_json', Buffer.from([0x22, 0xff, 0xfe, 0x22])),
  json('a document broken off', 'bad_json', '{"a":'),
  json('an empty document', 'bad_json', ''),
  json('a document and another', 'bad_json', '{"a":1}{"b":2}'),
];

/** All of them. Slow ones take as long as the client's limits let them. */
export const HOSTILE_HTTP: readonly HostileHttp[] = [...COMPRESSION, ...REDIRECTS, ...SLOW, ...FRAMING, ...SIZES, ...DOCUMENTS];
