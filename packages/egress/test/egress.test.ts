/** The client against servers on this machine: what it sends, what it hands out, what it follows. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Origin } from '@airlock/protocol';
import t, { type Test } from 'tap';
import { openEgress, type Egress, type EgressOptions } from '../src/index.js';

/** A server on 127.0.0.1 that ends with the test. */
const serve = async (t: Test, answer: RequestListener): Promise<Origin> => {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { scheme: 'http', host: '127.0.0.1', port: (server.address() as AddressInfo).port };
};

const open = (t: Test, options: EgressOptions): Egress => {
  const egress = openEgress(options);
  t.teardown(() => egress.close());
  return egress;
};

t.test('asks a sealed literal and hands out status, headers and body', async (t) => {
  const origin = await serve(t, (request, response) => {
    response.setHeader('set-cookie', ['a=1', 'b=2']);
    response.end(`${request.method ?? ''} ${request.url ?? ''} ${request.headers.host ?? ''} ${String(request.headers['x-a'])}`);
  });
  const egress = open(t, { origins: [origin] });
  const answer = await egress.request({ method: 'GET', url: '/a?b=c#d', headers: { 'X-A': 'y' } });
  t.equal(answer.body.toString(), `GET /a?b=c 127.0.0.1:${origin.port} y`);
  t.match(answer, { status: 200, url: `http://127.0.0.1:${origin.port}/a?b=c`, headers: { 'set-cookie': 'a=1' } });
});
