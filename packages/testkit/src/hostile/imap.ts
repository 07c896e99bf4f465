/** Hostile IMAP servers: what comes back over the wire before any message is looked at. */
import type { Socket } from 'node:net';
import type { ErrorCode } from '@airlock/protocol';
import { serveImap, type DoubleOptions } from '../imap-double.js';
import { drip, flood, type HostileFixture } from './fixture.js';

const MESSAGE = { uid: 3, headers: 'From: a@example.org\r\nSubject: x', sections: { '1': 'hello' } };
const REFUSED: HostileFixture['expect'] = { code: 'UPSTREAM_REFUSED' };

/** Answers one verb with something else, the others honestly. */
const on =
  (verb: string, hostile: (tag: string, socket: Socket) => void, more: DoubleOptions = {}) =>
  (socket: Socket): void =>
    serveImap(socket, {
      messages: [MESSAGE],
      ...more,
      answer: (command, to) => {
        if (command.verb !== verb) return false;
        hostile(command.tag, to);
        return true;
      },
    });

const fixture = (
  name: string,
  connection: (socket: Socket) => void,
  more: {
    readonly code?: ErrorCode;
    readonly operation?: string;
    readonly upstream?: HostileFixture['upstream'];
    readonly slow?: true;
  } = {},
): HostileFixture => ({
  name: `imap-${name}`,
  kind: 'imap',
  operation: more.operation ?? 'list_messages',
  params: {},
  connection,
  expect: more.code === undefined ? REFUSED : { code: more.code },
  upstream: more.upstream ?? 'closed',
  ...(more.slow === undefined ? {} : { slow: more.slow }),
});

const literals = Buffer.concat([Buffer.from('* 1 FETCH (BODY[9] {1000000}\r\n'), Buffer.alloc(1_000_000), Buffer.from(')\r\n')]);
const noise = Buffer.from(Array.from({ length: 4096 }, (_unused, index) => (index * 131) % 256));
const nested = `* 1 FETCH (BODYSTRUCTURE ${'('.repeat(200_000)}${')'.repeat(200_000)})\r\n`;

/** Each ends the call with UPSTREAM_REFUSED or UPSTREAM_TIMEOUT, and the connection with it. */
export const HOSTILE_IMAP: readonly HostileFixture[] = [
  fixture('endless-greeting', (socket) => {
    socket.on('error', () => undefined);
    flood(socket, Buffer.alloc(65_536, 0x78));
  }),
  fixture('no-imap-at-all', (socket) => {
    socket.on('error', () => undefined);
    socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
  }),
  fixture('logged-in-before-login', (socket) => serveImap(socket, { greeting: '* PREAUTH welcome\r\n' })),
  fixture('goodbye-at-once', (socket) => serveImap(socket, { greeting: '* BYE too busy\r\n' })),
  fixture(
    'endless-line',
    on('FETCH', (_tag, socket) => flood(socket, Buffer.alloc(65_536, 0x78))),
  ),
  fixture(
    'endless-answers',
    on('FETCH', (_tag, socket) => flood(socket, literals)),
  ),
  fixture(
    'endless-folders',
    on('LIST', (_tag, socket) => flood(socket, Buffer.from('* LIST () "/" "folder"\r\n'.repeat(2000)))),
    {
      operation: 'list_folders',
    },
  ),
  fixture(
    'endless-search',
    on('SEARCH', (_tag, socket) => flood(socket, Buffer.from(`* SEARCH ${'1 '.repeat(30_000)}\r\n`))),
    {
      operation: 'search',
    },
  ),
  fixture(
    'literal-of-2-gigabytes',
    on('FETCH', (_tag, socket) => void socket.write('* 1 FETCH (BODY[1] {2147483647}\r\n')),
  ),
  fixture(
    'literal-of-400-digits',
    on('FETCH', (_tag, socket) => void socket.write(`* 1 FETCH (BODY[1] {${'9'.repeat(400)}}\r\n`)),
  ),
  fixture(
    'literal-of-less-than-nothing',
    on('FETCH', (_tag, socket) => void socket.write('* 1 FETCH (BODY[1] {-5}\r\nabcde)\r\n')),
  ),
  fixture(
    'literal-shorter-than-it-says',
    on('FETCH', (tag, socket) => void socket.end(`* 1 FETCH (UID 3 BODY[HEADER] {500}\r\nabc)\r\n${tag} OK\r\n`)),
  ),
  fixture(
    'literal-longer-than-it-says',
    on('FETCH', (tag, socket) => void socket.write(`* 1 FETCH (UID 3 BODY[HEADER] {1}\r\na"b)\r\n${tag} OK\r\n`)),
  ),
  fixture(
    '200000-parentheses',
    on('FETCH', (_tag, socket) => void socket.write(nested)),
  ),
  fixture(
    'bytes-that-are-no-imap',
    on('EXAMINE', (_tag, socket) => void socket.write(noise)),
  ),
  fixture(
    'an-answer-to-nothing',
    on('EXAMINE', (_tag, socket) => void socket.write('+ send me more\r\n+ and more\r\nX99 OK done\r\n')),
  ),
  fixture(
    'more-messages-than-exist',
    on('EXAMINE', (tag, socket) => void socket.write(`* 99999999999999999999 EXISTS\r\n${tag} OK\r\n`)),
  ),
  fixture(
    'hangs-up-in-the-answer',
    on('FETCH', (_tag, socket) => void socket.end('* 1 FETCH (UID 3 FLA')),
  ),
  fixture(
    'drips',
    on('FETCH', (_tag, socket) => drip(socket, '* OK still there\r\n')),
    { code: 'UPSTREAM_TIMEOUT', slow: true },
  ),
  fixture('never-greets', (socket) => void socket.on('error', () => undefined), { code: 'UPSTREAM_TIMEOUT', slow: true }),
];
