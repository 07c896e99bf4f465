// POLICY-8: what a role can never get stands in none of its lists, and is described to nobody of it.
import { DEFAULT_CONFIG, type Json, type ServiceSummary, type ToolDescription } from '@airlock/protocol';
import t from 'tap';
import { refusalOf, startWorld, type Client } from './support/world.js';

type Members = Readonly<Record<string, Json>>;
const policy = (id: string, rules: readonly Members[]): Members => ({
  ...{ id, name: id, description: 'for a test', status: 'active', blocked_commands: [], rules },
});
const POLICIES = [
  policy('no-search', [{ id: 'search', decision: 'deny', operations: ['search'] }]),
  policy('slow', [{ id: 'two', decision: 'deny', operations: ['get'], rate: { calls: 2, perS: 60, per: 'operation' } }]),
];

const namesOf = async (agent: Client): Promise<string[]> =>
  (await agent.call<ServiceSummary[]>('services.list')).flatMap(({ operations }) => operations.map(({ name }) => name));

t.test('POLICY-8 denied always: not listed, not found, not described; denied sometimes: listed', async (test) => {
  const world = await startWorld({
    services: ['mail'],
    config: {
      permissions: { ...DEFAULT_CONFIG.permissions, allow: ['write'] },
      rules: { policies: POLICIES, attachments: { default: ['no-search', 'slow'] } },
    },
  });
  test.teardown(() => world.stop());
  const [agent, other] = [await world.agent(), await world.agent('other')];
  test.same((await namesOf(agent)).sort(), ['get', 'send']);
  test.same((await namesOf(other)).sort(), ['get', 'search', 'send'], 'negative control: it is no rule for this role');
  const found = await agent.call<ToolDescription[]>('tools.search', { query: 'operation' });
  test.same(found.map(({ name }) => name).sort(), ['get', 'send']);
  test.match(await refusalOf(agent.call('tools.describe', { names: ['mail.search'] })), { code: 'OPERATION_UNKNOWN' });
  test.equal((await other.call<ToolDescription[]>('tools.describe', { names: ['mail.search'] })).length, 1);
});
