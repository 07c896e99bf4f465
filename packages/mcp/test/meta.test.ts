/** The meta-tools: found by words, described, run; and which tools are listed one by one. MCP-6, MCP-7. */
import { GMAIL, NOTES, WORK } from '@airlock/client/test/fake-gateway';
import type { ServiceSummary } from '@airlock/protocol';
import t from 'tap';
import { open } from './stdio.js';

const ASK = { scopes: ['gmail:read'], reason: 'find the invoice' };
/** A service with so many operations. */
const large = (count: number): ServiceSummary => ({
  ...{ service: 'big', kind: 'big', title: 'Big' },
  operations: Array.from({ length: count }, (_, index) => ({
    ...{
      name: `op_${index}`,
      class: 'read' as const,
      outward: false,
      untrusted: false,
      summary: `Does ${index}`,
      approval: false,
    },
  })),
});

t.test('MCP-7 list, search, describe, execute: one operation from words to its result', async (test) => {
  const { gateway, tool } = await open(test, { services: [GMAIL, NOTES] });
  const services = await tool('list_services');
  test.match(services.structured, {
    services: [
      { service: 'gmail', operations: 4, names: ['list_messages', 'search', 'get_message', 'count_unread'], access: false },
      { service: 'notes', operations: 1 },
    ],
    skills: [],
    problems: [],
  });
  const found = await tool('search_tools', { query: 'unread' });
  const line = { service: 'gmail', operation: 'count_unread', tool: 'airlock_count_unread', class: 'read', access: false };
  test.match(found.structured, { tools: [line] });
  const described = await tool('describe_tools', { names: ['gmail.get_message', 'airlock_get_email', 'airlock_count_unread'] });
  test.match(described.structured, { tools: [{ operation: 'get_message', params: { required: ['id'] } }, line], omitted: [] });
  test.equal((described.structured['tools'] as unknown[]).length, 2, 'the same operation by two names is one');
  const refused = await tool('execute_tool', { service: 'gmail', operation: 'count_unread' });
  const direct = await tool('airlock_count_unread');
  test.same(refused, direct, 'the same refusal as by its own tool');
  test.match(refused.structured, { error: { code: 'LEASE_INVALID', next: { tool: 'airlock_request_access' } } });
  const asked = await tool('airlock_request_access', ASK);
  await tool('airlock_wait', { request: asked.structured['request'] });
  for (const operation of ['count_unread', 'airlock_count_unread']) {
    const done = await tool('execute_tool', { service: 'gmail', operation, arguments: { folder: 'INBOX' } });
    test.match(done.structured, { service: 'gmail', operation: 'count_unread', result: { unread: 3 } });
  }
  test.match(gateway.calls('call').at(-1), { params: { folder: 'INBOX' } });
  test.match((await tool('search_tools', { query: 'unread' })).structured, { tools: [{ access: true }] });
});

t.test('MCP-7 what is not there: the field, and what there is', async (test) => {
  const { tool } = await open(test);
  const cases: [string, Record<string, unknown>, object][] = [
    ['execute_tool', { service: 'bank', operation: 'pay' }, { code: 'SERVICE_UNKNOWN', field: 'service', expected: 'gmail' }],
    ['execute_tool', { service: 'gmail', operation: 'pay' }, { code: 'OPERATION_UNKNOWN', expected: /count_unread/ }],
    ['execute_tool', { service: 'gmail', operation: 'search', arguments: [] }, { code: 'PARAMS_INVALID', field: 'arguments' }],
    ['execute_tool', { service: 'gmail', operation: 'search', force: true }, { code: 'PARAMS_INVALID', field: 'force' }],
    ['execute_tool', { operation: 'search' }, { code: 'PARAMS_INVALID', field: 'service' }],
    ['describe_tools', { names: ['gmail.pay'] }, { code: 'OPERATION_UNKNOWN', hint: /search_tools/ }],
    ['describe_tools', { names: [] }, { code: 'PARAMS_INVALID', field: 'names' }],
    ['describe_tools', { names: Array(65).fill('gmail.search') }, { code: 'PARAMS_INVALID', found: '65' }],
    ['search_tools', {}, { code: 'PARAMS_INVALID', field: 'query' }],
    ['activate_skill', { name: '../../etc/passwd' }, { code: 'NOT_FOUND' }],
  ];
  for (const [name, args, error] of cases)
    test.match((await tool(name, args)).structured, { error }, `${name} ${JSON.stringify(args).slice(0, 60)}`);
  test.match((await tool('search_tools', { query: 'nothing like it' })).structured, { tools: [] });
});

t.test('MCP-6 up to 64 operations are listed, above that none; --tools says otherwise', async (test) => {
  const names = async (count: number, listing?: string): Promise<string[]> => {
    const rig = await open(test, { services: [large(count)], ...(listing === undefined ? {} : { listing }) });
    return (await rig.client.listTools()).tools.map(({ name }) => name);
  };
  test.equal((await names(64)).length, 12 + 64);
  const many = await names(65);
  test.equal(many.length, 12);
  test.ok(many.includes('execute_tool'));
  test.equal((await names(300, 'all')).length, 12 + 300);
  test.equal((await names(3, 'meta')).length, 12);
});

t.test('MCP-6 what is not listed can still be called by its name', async (test) => {
  const { gateway, tool } = await open(test, { services: [large(200)] });
  const asked = await tool('airlock_request_access', { scopes: ['big:read'], reason: 'x' });
  await tool('airlock_wait', { request: asked.structured['request'] });
  test.match((await tool('airlock_big_op_150')).structured, { operation: 'op_150' });
  const described = gateway.calls('tools.describe') as { names: string[] }[];
  test.ok(
    described.every(({ names }) => names.length === 1),
    'and nothing else was described for it',
  );
  await tool('airlock_big_op_150');
  test.equal(gateway.calls('services.list').length, 1, 'the catalogue is read once, not for each call');
});

t.test('a service that came meanwhile is found by its name; two services choose by service', async (test) => {
  const { gateway, tool } = await open(test, { services: [GMAIL] });
  await tool('airlock_count_unread');
  gateway.services = [GMAIL, WORK, NOTES];
  test.match((await tool('airlock_notes_add_note')).structured, { error: { code: 'LEASE_INVALID' } });
  test.match((await tool('airlock_count_unread')).structured, { error: { code: 'PARAMS_INVALID', field: 'service' } });
});
