/** EGRESS-8: whose certificate is taken, and whose is not. */
import t from 'tap';
import type { Origin } from '@airlock/protocol';
import { certify, open, refusal, serve, serveTls } from './server.js';

const own = certify();
const other = certify();
const resolve = async (): Promise<{ address: string; family: 4 }[]> => [{ address: '127.0.0.1', family: 4 }];

t.test('an authority, a name, a pin', async (t) => {
  const names: (string | false)[] = [];
  const port = await serveTls(t, own, (request, response) => {
    names.push((request.socket as unknown as { servername: string | false }).servername);
    response.end(request.headers.host);
  });
  const origin: Origin = { scheme: 'https', host: 'svc.localhost', port };
  const ask = (sealed: Origin, ca: readonly string[] = []): Promise<{ body: Buffer }> =>
    open(t, { origins: [sealed], resolve, ca }).request({ method: 'GET', url: '/' });
  t.equal((await ask(origin, [own.cert])).body.toString(), `svc.localhost:${port}`, 'the authority is known');
  t.same(names, ['svc.localhost'], 'EGRESS-7: the name stays in SNI and Host');
  t.equal((await ask({ ...origin, tlsPin: own.pin })).body.toString(), `svc.localhost:${port}`, 'the pin is enough');
  t.equal((await ask({ ...origin, host: '127.0.0.1', tlsPin: own.pin })).body.toString(), `127.0.0.1:${port}`);
  const served = names.length;
  const refused: readonly (readonly [Origin, readonly string[]])[] = [
    [origin, []],
    [origin, [other.cert]],
    [{ ...origin, host: 'other.localhost' }, [own.cert]],
    [{ ...origin, host: '127.0.0.1' }, [own.cert]],
    [{ ...origin, tlsPin: other.pin }, [own.cert]],
  ];
  for (const [sealed, ca] of refused)
    t.match(await refusal(ask(sealed, ca)), { code: 'UPSTREAM_REFUSED', found: 'tls' }, sealed.host);
  t.equal(names.length, served, 'none of them got a request');
});

t.test('EGRESS-9: no redirect leads from https to http, though both are sealed', async (t) => {
  let requests = 0;
  const plain = await serve(t, (_, response) => {
    requests += 1;
    response.end();
  });
  const port = await serveTls(t, own, (_, response) =>
    response.writeHead(302, { location: `http://127.0.0.1:${plain.port}/` }).end(),
  );
  const egress = open(t, { origins: [{ scheme: 'https', host: '127.0.0.1', port, tlsPin: own.pin }, plain] });
  t.match(await refusal(egress.request({ method: 'GET', url: '/' })), { found: 'redirect_refused' });
  t.equal(requests, 0);
  await egress.request({ method: 'GET', url: `http://127.0.0.1:${plain.port}/` });
  t.equal(requests, 1, 'negative control: asked for itself it is reached');
});
