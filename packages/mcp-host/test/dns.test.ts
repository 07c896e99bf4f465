/** UPSTREAM-3: the declared names and nothing else, whatever is asked. */
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import fc from 'fast-check';
import t from 'tap';
import { answerDns } from '../src/dns.js';
import { placesOf } from '../src/network.js';

const NAMES = new Map([['api.example.org', '127.0.1.1']]);

/** A query as a resolver writes it. */
const query = (name: string, type = 1, klass = 1): Buffer => {
  const header = Buffer.from([0x12, 0x34, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  const labels = name.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, 'latin1')]);
  return Buffer.concat([header, ...labels, Buffer.from([0, 0, type, 0, klass])]);
};

t.test('a real resolver gets the address, no IPv6 address, and no other name', async (t) => {
  const socket = createSocket('udp4');
  socket.on('message', (bytes, { port, address }) => {
    const answer = answerDns(bytes, NAMES);
    if (answer !== null) socket.send(answer, port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.teardown(() => socket.close());
  const resolver = new Resolver({ timeout: 2000, tries: 1 });
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);
  t.same(await resolver.resolve4('api.example.org'), ['127.0.1.1']);
  t.same(await resolver.resolve4('API.Example.ORG'), ['127.0.1.1'], 'whatever its case');
  await t.rejects(resolver.resolve6('api.example.org'), { code: 'ENODATA' });
  for (const name of ['example.org', 'secret.attacker.example', 'a.api.example.org', 'localhost'])
    await t.rejects(resolver.resolve4(name), { code: 'ENOTFOUND' }, name);
  await t.rejects(resolver.resolveTxt('api.example.org'), { code: 'ENODATA' });
});

t.test('what is no query is not answered, and any bytes never throw', async (t) => {
  t.equal(answerDns(query('api.example.org').subarray(0, 14), NAMES), null);
  const response = query('api.example.org');
  response[2] = 0x81;
  t.equal(answerDns(response, NAMES), null, 'answers to answers would go on for ever');
  t.equal(answerDns(query('api.example.org', 1, 3), NAMES)?.readUInt8(3), 0x84, 'another class is not implemented');
  t.equal(answerDns(query('api.example.org'), NAMES)?.subarray(-4).join('.'), '127.0.1.1', 'negative control');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      const answer = answerDns(bytes, NAMES);
      return answer === null || answer.length <= bytes.length + 16;
    }),
    { numRuns: 2000 },
  );
});

t.test('each name has an address of its own; addresses but loopback have none', async (t) => {
  t.same(
    placesOf([
      'https://a.example:443',
      'https://b.example:443',
      'https://a.example:8443',
      'http://localhost:80',
      'http://127.0.0.9:81',
    ]).map(({ host, port, address }) => `${host} ${port} ${address}`),
    [
      'a.example 443 127.0.1.1',
      'b.example 443 127.0.1.2',
      'a.example 8443 127.0.1.1',
      'localhost 80 127.0.0.1',
      '127.0.0.9 81 127.0.0.9',
    ],
  );
  for (const bad of [
    'https://192.168.1.5:443',
    'https://[::1]:443',
    'a.example',
    'https://A.example:1',
    'https://a.example:443/x',
  ])
    t.throws(() => placesOf([bad]), bad);
});
