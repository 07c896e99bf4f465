// POLICY-8: what a role can never get stands in none of its lists, and is described to nobody of it.
import { DEFAULT_CONFIG, type Json, type ServiceSummary, type ToolDescription } from '@airlock/protocol';
import t from 'tap';
import { writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { MANIFEST, entry, refusalOf, startWorld, type Client } from './support/world.js';

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

const LISTED = {
  ...{ name: 'ticket_find', tool: 'tracker_find', class: 'read', outward: false, untrusted: true, summary: 'Finds tickets' },
  ...{
    description: 'Finds tickets by their text',
    mcp: { name: 'find' },
    params: { type: 'object' },
    result: { type: 'object' },
  },
};
const HASH = 'ab'.repeat(32);

t.test('LISTED-3 what a service lists is offered beside what its kind has, once the operator accepted it', async (test) => {
  const world = await startWorld({
    prepare: (made) => {
      writeFileSync(made.path('connectors/tracker.json'), JSON.stringify({ ...MANIFEST, kind: 'tracker', listed: true }));
      for (const service of ['accepted', 'asked'])
        writeFileSync(
          join(made.stateDir, `vault/default/${service}.json`),
          entry(service).replace('"kind":"fake","settings"', '"kind":"tracker","settings"'),
          { mode: 0o600 },
        );
      const dir = join(made.stateDir, 'listed/default');
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      const accepted = [{ operation: LISTED, hash: HASH }];
      writeFileSync(join(dir, 'accepted.json'), JSON.stringify({ v: 1, accepted }), { mode: 0o600 });
    },
  });
  test.teardown(() => world.stop());
  const agent = await world.agent();
  const listed = async (): Promise<object> =>
    Object.fromEntries(
      (await agent.call<ServiceSummary[]>('services.list')).map(({ service, operations }) => [
        service,
        operations.map(({ name, tool }) => tool ?? name).sort(),
      ]),
    );
  const own = ['get', 'search'];
  const expected = { accepted: [...own, 'tracker_find'], asked: own, mail: own };
  test.same(await listed(), expected);
  test.same(await listed(), expected, 'and again');
  const [found] = await agent.call<ToolDescription[]>('tools.search', { query: 'tickets' });
  test.match(found, { service: 'accepted', name: 'ticket_find', description: LISTED.description, mcp: LISTED.mcp });
  const { text } = world.totp.issue({ session: agent.session, scopes: ['accepted:read', 'asked:read', 'mail:read'] });
  await world.settle();
  for (const [service, operation] of [
    ['accepted', 'ticket_find'],
    ['asked', 'search'],
    ['mail', 'search'],
  ])
    await agent.call('call', { lease: text, service, operation, params: {} });
  const pins = Object.fromEntries(world.cells.opened.map(({ params }) => [params.service, params.pins]));
  test.same(pins, { accepted: { ticket_find: HASH }, asked: {}, mail: undefined }, 'the cell is held to what was accepted');
});
