/** MCP-4: a gateway that is away, comes, changes, and what happens at the end. */
import { GMAIL, NOTES } from '@airlock/client/test/fake-gateway';
import t from 'tap';
import { open } from './stdio.js';

const ASK = { scopes: ['gmail:read'], reason: 'find the invoice' };

t.test('without a gateway the server starts, and its tools say why', async (test) => {
  const { client, gateway, tool } = await open(test, { down: true });
  const { tools } = await client.listTools();
  test.equal(tools.length, 12);
  const refused = await tool('airlock_status');
  test.ok(refused.isError);
  test.match(refused.structured, { error: { code: 'UNAVAILABLE', retry: 'after', hint: /\S/ } });
  test.match((await tool('airlock_list_emails')).structured, { error: { code: 'UNAVAILABLE' } });
  await gateway.start();
  test.match((await tool('airlock_status')).structured, { role: 'default' });
  test.ok((await client.listTools()).tools.length > 12);
});

t.test('after a restart of the gateway the lease is still usable', async (test) => {
  const { gateway, tool } = await open(test);
  const asked = await tool('airlock_request_access', ASK);
  await tool('airlock_wait', { request: asked.structured['request'] });
  await gateway.restart();
  test.match((await tool('airlock_count_unread')).structured, { result: { unread: 3 } });
});

t.test('the list of tools changes with leases and services, and clients are told', async (test) => {
  const { client, gateway, tool, changes, changed } = await open(test);
  await tool('airlock_status');
  const describe = async (): Promise<string> =>
    (await client.listTools()).tools.find(({ name }) => name === 'airlock_count_unread')?.description ?? '';
  test.match(await describe(), /Needs access/);
  let before = changes();
  const asked = await tool('airlock_request_access', ASK);
  await tool('airlock_wait', { request: asked.structured['request'] });
  await changed(before);
  test.notMatch(await describe(), /Needs access/);
  before = changes();
  gateway.services = [GMAIL, NOTES];
  await gateway.restart();
  await changed(before);
  test.match((await client.listTools()).tools.at(-1), { name: 'airlock_notes_add_note' });
});

t.test('an ended lease: the next call says what to ask for', async (test) => {
  const { gateway, tool, changes, changed } = await open(test);
  const asked = await tool('airlock_request_access', ASK);
  await tool('airlock_wait', { request: asked.structured['request'] });
  const { leases } = (await tool('airlock_status')).structured as { leases: { id: string }[] };
  const before = changes();
  gateway.notify({ method: 'lease.ended', params: { lease: leases[0]?.id ?? '', why: 'revoked' } });
  await changed(before);
  test.match((await tool('airlock_count_unread')).structured, {
    error: { code: 'LEASE_INVALID', next: { tool: 'airlock_request_access' } },
  });
});

t.test('when the client goes, the lease is released and the connection ends', async (test) => {
  const { client, gateway, tool } = await open(test);
  const asked = await tool('airlock_request_access', ASK);
  await tool('airlock_wait', { request: asked.structured['request'] });
  test.equal(gateway.connections, 1);
  await client.close();
  while (gateway.connections > 0) await new Promise(setImmediate);
  test.equal(gateway.released.length, 1);
});
