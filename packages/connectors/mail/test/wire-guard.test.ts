import { Duplex } from 'node:stream';
import { once } from 'node:events';
import t from 'tap';
import { isLoopback, parseTarget } from '../src/dial.js';
import { WireGuard } from '../src/guard/wire-guard.js';
import { WireViolation } from '../src/guard/violation.js';

const fakeSocket = (): { readonly socket: Duplex; readonly written: string[] } => {
  const written: string[] = [];
  const socket = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      written.push(chunk.toString('latin1'));
      done();
    },
  });
  return { socket, written };
};

t.test('MAIL-9 after a violation of the client nothing passes in either direction', async (t) => {
  const { socket, written } = fakeSocket();
  const guard = new WireGuard(socket);
  const ended = once(guard, 'error');
  guard.connect();
  guard.on('data', (bytes: Buffer) => written.push(`to client: ${bytes.toString()}`));
  guard.write('A1 NOOP\r\n');
  guard.write('A2 CREATE "x"\r\nA3 NOOP\r\n');
  guard.write('A4 NOOP\r\n');
  const [error] = (await ended) as [unknown];
  socket.push('* OK late\r\n');
  await new Promise((resolve) => setImmediate(resolve));
  t.ok(error instanceof WireViolation && error.side === 'client');
  t.same(written, ['A1 NOOP\r\n']);
  t.ok(socket.destroyed);
});

t.test('MAIL-9 after a violation of the server nothing passes in either direction', async (t) => {
  const { socket, written } = fakeSocket();
  const guard = new WireGuard(socket);
  const ended = once(guard, 'error');
  guard.connect();
  guard.on('data', (bytes: Buffer) => written.push(`to client: ${bytes.toString()}`));
  await once(guard, 'connect');
  socket.push('* OK fine\r\nnonsense\r\n* OK late\r\n');
  const [error] = (await ended) as [unknown];
  guard.write('A1 NOOP\r\n');
  await new Promise((resolve) => setImmediate(resolve));
  t.ok(error instanceof WireViolation && error.side === 'server');
  t.notMatch(written.join(''), /late|NOOP/);
  t.ok(socket.destroyed);
});

t.test('MAIL-10 an exception of the reader ends the connection, not the process', async (t) => {
  const { socket } = fakeSocket();
  const guard = new WireGuard(socket);
  const ended = once(guard, 'error');
  guard.on('readable', () => {
    throw new TypeError('as node-imap does');
  });
  guard.connect();
  await once(guard, 'connect');
  socket.push('* OK x\r\n');
  const [error] = (await ended) as [unknown];
  t.ok(error instanceof WireViolation);
});

t.test('MAIL-13 what counts as this machine', async (t) => {
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) t.equal(isLoopback(address), true, address);
  for (const address of ['10.0.0.1', '128.0.0.1', '::', '::ffff:10.0.0.1', '0.0.0.0', 'fe80::1', '1127.0.0.1', undefined]) {
    t.equal(isLoopback(address), false, String(address));
  }
});

t.test('origins', async (t) => {
  t.same(parseTarget('imaps://imap.gmail.com:993', ''), { security: 'tls', host: 'imap.gmail.com', port: 993, tlsPin: '' });
  t.same(parseTarget('starttls://[::1]:143', 'ab').host, '::1');
  for (const origin of [
    'http://x:1',
    'imaps://x',
    'imaps://x:0',
    'imaps://x:70000',
    'imaps://a@b:993',
    'imaps://x:993/y',
    'imap://x:143',
    'imaps:// x:993',
    '',
  ]) {
    t.throws(() => parseTarget(origin, ''), { code: 'CONFIG_INVALID' }, origin);
  }
});
