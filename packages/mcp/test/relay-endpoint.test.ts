/** The endpoint of an upstream service through the broker, against a scripted gateway. */
import { Client } from '@modelcontextprotocol/client';
import { InMemoryTransport } from '@modelcontextprotocol/server';
import { FakeGateway, NOTES } from '@airlock/client/test/fake-gateway';
import type { CallParams, OperationSummary, ServiceSummary } from '@airlock/protocol';
import t, { type Test } from 'tap';
import { Broker, OWN_NAMES, createEndpointServer } from '../src/index.js';

const operation = (name: string, more: Partial<OperationSummary> = {}): OperationSummary => ({
  ...{ name, class: 'read', outward: false, untrusted: true, summary: name, approval: false },
  ...more,
});

const LINEAR: ServiceSummary = {
  service: 'linear',
  kind: 'mcp-url',
  title: 'Linear',
  operations: [operation('get_issue'), operation('mcp_capabilities'), operation('mcp_prompts_list')],
};

const RESULT = { content: [{ type: 'text', text: 'Fix the door' }], structuredContent: { key: 'A-1' } };

const open = async (t: Test, service: string): Promise<{ gateway: FakeGateway; client: Client; broker: Broker }> => {
  const gateway = await new FakeGateway({ services: [LINEAR, NOTES] }).start();
  gateway.answers.set('tools.describe', ({ names }: { names: string[] }) =>
    names.map((name) => ({
      ...operation('get_issue', { summary: name }),
      ...{ service: 'linear', params: { type: 'object' }, result: {} },
      mcp: { name: 'getIssue', description: 'Gets one', inputSchema: { type: 'object' } },
    })),
  );
  gateway.answers.set('call', ({ operation: name }: CallParams) => ({
    result: name === 'mcp_capabilities' ? { capabilities: { tools: {}, prompts: {} } } : RESULT,
    meta: { audit: 1, durationMs: 1 },
  }));
  const broker = new Broker({ env: gateway.env, client: 'test' }, OWN_NAMES);
  const client = new Client({ name: 'test', version: '1' });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  await (await createEndpointServer(broker, '1', { service })).connect(ours);
  await client.connect(theirs);
  t.teardown(async () => {
    await client.close();
    await broker.close();
    await gateway.remove();
  });
  return { gateway, client, broker };
};

t.test('without a lease a tool says what to ask for; with one it answers as the upstream did (RELAY-2)', async (t) => {
  const { client, gateway } = await open(t, 'linear');
  const names = (await client.listTools()).tools.map(({ name }) => name);
  t.ok(names.includes('airlock_request_access'));
  t.notOk(
    names.some((name) => name.includes('mcp_')),
    'what is behind the protocol is no tool',
  );
  t.equal(names.at(-1), 'getIssue', 'under its own name');
  const refused = await client.callTool({ name: 'getIssue', arguments: { key: 'A-1' } });
  const next = { tool: 'airlock_request_access', arguments: { scopes: ['linear:read'] } };
  t.match(refused, {
    isError: true,
    structuredContent: { error: { code: 'LEASE_INVALID', hint: /linear:read/, retry: /.+/, next } },
  });
  const asked = await client.callTool({ name: 'airlock_request_access', arguments: { scopes: ['linear:read'], reason: 'look' } });
  const { request } = asked.structuredContent as { request: string };
  t.match(await client.callTool({ name: 'airlock_wait', arguments: { request } }), { structuredContent: { status: 'approved' } });
  t.same(await client.callTool({ name: 'getIssue', arguments: { key: 'A-1' } }), RESULT);
  t.match(gateway.calls('call').at(-1), { service: 'linear', operation: 'get_issue', params: { key: 'A-1' } });
});

t.test('a lease text goes neither to the upstream nor out of the process', async (t) => {
  const { client, gateway } = await open(t, 'linear');
  const lease = gateway.lease(['linear:read']);
  const smuggled = await client.callTool({ name: 'getIssue', arguments: { key: lease } });
  t.match(smuggled, { isError: true, structuredContent: { error: { code: 'PARAMS_INVALID' } } });
  gateway.answers.set('call', () => ({
    result: { content: [{ type: 'text', text: lease }] },
    meta: { audit: 1, durationMs: 1 },
  }));
  const meta = { 'airlock/capability': lease };
  const answer = await client.callTool({ name: 'getIssue', arguments: { key: 'A-1' }, _meta: meta });
  t.match(answer, { content: [{ text: '[masked lease]' }] });
  t.match(gateway.calls('call').at(-1), { lease }, 'a lease of the caller’s own is used for its call');
});

t.test('the endpoint of another kind is Airlock’s own', async (t) => {
  const { client } = await open(t, 'notes');
  const names = (await client.listTools()).tools.map(({ name }) => name);
  t.ok(names.includes('search_tools'));
  t.ok(names.includes('airlock_notes_add_note'));
});
