// HTTP servers that attack their client, through the whole house, as hostile-mail does.
import { connect, type Socket } from 'node:net';
import t from 'tap';
import { HOSTILE_HTTP, type HostileFixture } from '@airlock/testkit';
import { attackAll } from './support/hostile-call.js';

/** Those that end by a time-out are two here: each takes 25 s, and the others are tested beside the client. */
const SLOW = 2;

/** Hands the cell's connection on to the fixture's own server. */
const passOn = (url: string) => (socket: Socket) => {
  const { port } = new URL(url);
  const other = connect(Number(port), '127.0.0.1');
  for (const one of [socket, other]) one.on('error', () => undefined);
  socket.pipe(other);
  other.pipe(socket);
  socket.once('close', () => other.destroy());
  other.once('close', () => socket.destroySoon());
};

const fixtures: HostileFixture[] = [];
for (const fixture of HOSTILE_HTTP) {
  const { name, level, slow, expect } = fixture;
  if (slow && fixtures.filter((one) => one.slow === true).length >= SLOW) continue;
  const served = await fixture.serve();
  t.teardown(() => served.close());
  fixtures.push({
    name: `http-${name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`,
    ...{ kind: 'http-json', operation: 'get_json', params: { url: 'http://127.0.0.1:PORT/' } },
    // A document that is refused came over a connection that did nothing wrong.
    upstream: level === 'http' ? 'closed' : 'either',
    connection: passOn(served.url),
    expect: { code: expect.code },
    ...(slow ? { slow: true } : {}),
  });
}

attackAll('hostile HTTP', fixtures, {
  ...{
    name: 'harmless',
    kind: 'http-json',
    operation: 'get_json',
    params: { url: 'http://127.0.0.1:PORT/' },
    upstream: 'closed',
  },
  connection: (socket) =>
    void socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{}')),
  expect: { code: 'UPSTREAM_REFUSED' },
});
