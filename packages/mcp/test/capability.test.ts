/** `_capability` and `_context`: a lease from elsewhere, for one call. MCP-8, MCP-9. */
import { narrow } from '@airlock/client';
import { AirlockError, type CallParams } from '@airlock/protocol';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { open, type Rig } from './stdio.js';

const lastCall = ({ gateway }: Rig): CallParams => gateway.calls('call').at(-1) as CallParams;

t.test('MCP-8 used for this call alone, in the arguments, in _meta, and by execute_tool; never for the service', async (test) => {
  const rig = await open(test);
  const lease = narrow(rig.gateway.lease(['gmail:read']), { calls: 5 }, Date.now());
  const answers = [
    await rig.tool('airlock_count_unread', { folder: 'INBOX', _capability: lease, _context: { intent: 'invoices' } }),
    await rig.tool('execute_tool', {
      ...{ service: 'gmail', operation: 'count_unread', arguments: { folder: 'INBOX' } },
      ...{ _capability: lease, _context: { intent: 'invoices' } },
    }),
    await rig.tool('execute_tool', {
      ...{ service: 'gmail', operation: 'count_unread' },
      arguments: { folder: 'INBOX', _capability: lease, _context: { intent: 'invoices' } },
    }),
  ];
  for (const { structured } of answers) test.match(structured, { result: { unread: 3 } });
  const meta = { 'airlock/capability': lease, 'airlock/context': { intent: 'invoices' } };
  const { structuredContent } = await rig.client.callTool({
    name: 'airlock_count_unread',
    arguments: { folder: 'INBOX' },
    _meta: meta,
  });
  test.match(structuredContent, { result: { unread: 3 } });
  const calls = rig.gateway.calls('call') as CallParams[];
  test.equal(calls.length, 4);
  for (const call of calls)
    test.same(call, {
      ...{ lease, service: 'gmail', operation: 'count_unread', params: { folder: 'INBOX' }, context: { intent: 'invoices' } },
    });
  test.match((await rig.tool('airlock_count_unread')).structured, { error: { code: 'LEASE_INVALID' } }, 'nothing was kept');
  test.notMatch(JSON.stringify(answers), /al1\./, 'MCP-3');
  test.same(rig.gateway.released, [], 'and a lease of somebody else is not released');
});

t.test('MCP-8 wrong ones are refused by code, and not repeated', async (test) => {
  const rig = await open(test);
  const good = rig.gateway.lease(['gmail:read']);
  const cases: [Record<string, unknown>, object][] = [
    [{ _capability: 'not a lease' }, { code: 'LEASE_INVALID', field: '_capability' }],
    [{ _capability: 7 }, { code: 'LEASE_INVALID', field: '_capability' }],
    [{ _capability: `al1.${'A'.repeat(9000)}.x` }, { code: 'LEASE_INVALID', field: '_capability' }],
    [{ _capability: `${good}x` }, { code: 'LEASE_INVALID' }],
    [{ _context: 'invoices' }, { code: 'PARAMS_INVALID', field: '_context' }],
    [{ _context: { intent: 5 } }, { code: 'PARAMS_INVALID', field: '_context.intent' }],
    [{ _context: { lease: good } }, { code: 'PARAMS_INVALID' }],
    [{ _context: { intent: 'the code is 123456' } }, { code: 'CODE_ON_AGENT_SOCKET' }],
  ];
  for (const [args, error] of cases) {
    const answer = await rig.tool('airlock_count_unread', args);
    test.match(answer.structured, { error }, JSON.stringify(args).slice(0, 60));
    test.notMatch(JSON.stringify(answer), /al1\.[A-Za-z0-9]|123456/);
  }
  rig.gateway.answers.set('call', () => {
    throw new AirlockError('LEASE_REVOKED', `the lease ${good} was revoked`, { found: good });
  });
  const revoked = await rig.tool('airlock_count_unread', { _capability: good });
  test.match(revoked.structured, { error: { code: 'LEASE_REVOKED', found: '[masked lease]', hint: /_capability was refused/ } });
  test.notMatch(JSON.stringify(revoked), /al1\.[A-Za-z0-9]/);
});

t.test('MCP-8 a lease of the session that this login shares with its commands is used there', async (test) => {
  const rig = await open(test);
  const { gateway } = rig;
  const lease = gateway.lease(['gmail:read']);
  const { AIRLOCK_RUNTIME_DIR, XDG_RUNTIME_DIR: runtime = '' } = gateway.env;
  test.ok(AIRLOCK_RUNTIME_DIR);
  const other = (): never => {
    throw new AirlockError('LEASE_SESSION', 'the lease is of another session');
  };
  gateway.answers.set('call', other);
  test.match((await rig.tool('airlock_count_unread', { _capability: lease })).structured, { error: { code: 'LEASE_SESSION' } });
  test.equal(gateway.calls('hello').length, 1, 'negative control: without a stored session there is no other try');
  const directory = join(runtime, 'airlock');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { resume } = gateway.greet();
  writeFileSync(join(directory, 'default.session'), resume, { mode: 0o600 });
  let tries = 0;
  gateway.answers.set('call', () => {
    tries += 1;
    return tries === 1 ? other() : { result: { unread: 4 }, meta: { audit: 1 } };
  });
  test.match((await rig.tool('airlock_count_unread', { _capability: lease })).structured, { result: { unread: 4 } });
  test.match(gateway.calls('hello').at(-1), { resume });
  test.equal(lastCall(rig).lease, lease);
});

t.test('MCP-9 a lease text among the parameters is refused, however deep, and reaches nobody', async (test) => {
  const rig = await open(test);
  const lease = rig.gateway.lease(['gmail:read']);
  const asked = await rig.tool('airlock_request_access', { scopes: ['gmail:read'], reason: 'x' });
  await rig.tool('airlock_wait', { request: asked.structured['request'] });
  const places: [string, Record<string, unknown>][] = [
    ['airlock_search_emails', { folder: lease }],
    ['airlock_search_emails', { folder: `see ${lease} here` }],
    ['airlock_search_emails', { deep: { er: [{ _capability: lease }] } }],
    ['airlock_search_emails', { [lease]: 1 }],
    ['execute_tool', { service: 'gmail', operation: 'search', arguments: { x: { _capability: lease } } }],
    ['execute_tool', { service: lease, operation: 'search' }],
    ['airlock_request_access', { scopes: ['gmail:read'], reason: lease.slice(0, 139) }],
    ['airlock_wait', { request: lease }],
    ['search_tools', { query: lease.slice(0, 250) }],
    ['describe_tools', { names: [lease] }],
    ['activate_skill', { name: lease }],
    ['airlock_narrow_lease', { lease }],
  ];
  for (const [name, args] of places) {
    const answer = await rig.tool(name, args);
    test.match(answer.structured, { error: { code: 'PARAMS_INVALID' } }, name);
    test.notMatch(JSON.stringify(answer), /al1\.[A-Za-z0-9]/, name);
  }
  test.same(rig.gateway.calls('call'), []);
  const fine = await rig.tool('airlock_search_emails', { folder: 'portal1.mycompany.example and al1.example' });
  test.notOk(fine.isError, 'negative control: names that begin like one pass');
});
