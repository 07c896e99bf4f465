/** Which sockets are served, and for whom. */
import type { LogSegment } from '@airlock/protocol';
import t from 'tap';
import { refusalOf, startWorld } from './support/world.js';

t.test('an operator that is not configured has no services', async (t) => {
  const world = await startWorld({ sockets: ['operator/eve'] });
  t.teardown(() => world.stop());
  const eve = await world.connect('operator/eve');
  const { session } = await eve.call<{ session: string }>('hello', { client: 'ctl', protocol: 1 });
  t.same(await eve.call('services.list'), []);
  const { text } = world.totp.issue({ session, role: 'operator', operator: 'eve' });
  await world.settle();
  const call = eve.call('call', { lease: text, service: 'mail', operation: 'search', params: {} });
  t.match(await refusalOf(call), { code: 'SERVICE_UNKNOWN', data: { expected: 'none', found: 'mail' } });
  t.equal(world.cells.opened.length, 0, 'nor was a cell opened ahead');
});

t.test('a socket of no role and no operator is not served, and said to be none', async (t) => {
  const world = await startWorld({ sockets: ['agent/-bad', 'service/mail', 'agent'] });
  t.teardown(() => world.stop());
  for (const name of ['agent/-bad', 'service/mail', 'agent']) {
    t.ok(world.logs.includes(`a socket called ${name} is not ours; it is not served`), name);
    await t.rejects(world.connect(name));
  }
});

t.test('SINK-7: the socket of the export reads the log, and nothing else can be asked for there', async (t) => {
  const world = await startWorld({ sockets: ['export'] });
  t.teardown(() => world.stop());
  const client = await world.connect('export');
  t.ok((await client.call<{ segments: LogSegment[] }>('log.segments')).segments.length > 0);
  for (const method of ['hello', 'status', 'services.list', 'service.list'])
    t.equal((await refusalOf(client.call(method))).code, 'METHOD_UNKNOWN', method);
});
