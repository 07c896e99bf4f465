// A kind of service no daemon was built with: installed from a folder, added, listed, called. No rebuild, no change.
import { addFixture, obtainLease, openSession, refusalOf, startWithFixture, type Running } from '@airlock/testkit';
import type { CallResult, ServiceSummary, ToolDescription } from '@airlock/protocol';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '@airlock/testkit';
import t from 'tap';

const TOKEN = 'token-of-the-fixture';

let running: Running;
t.before(async () => {
  running = await startWithFixture();
});
t.teardown(() => running.stop());

t.test('negative control: nothing that was built knows the kind', async (t) => {
  t.notOk(readdirSync(join(checkout, 'dist/lib/connectors')).some((file) => file.includes('fixture')));
  const bundles = readdirSync(join(checkout, 'dist/lib')).filter((file) => file.endsWith('.cjs'));
  for (const bundle of bundles) {
    const found = execFileSync('sh', [
      '-c',
      'grep -c "Does what a test asks of it" "$0" || true',
      join(checkout, 'dist/lib', bundle),
    ]);
    t.equal(found.toString().trim(), '0', bundle);
  }
});

t.test('it is among the kinds, its settings are checked, its login is tried', async (t) => {
  const kinds = await running.command('airlock-ctl', ['service', 'kinds', '--json']);
  t.ok((kinds.json as { kind: string }[]).some(({ kind }) => kind === 'fixture'));
  const wrong = await running.command('airlock-ctl', ['service', 'add', 'fixture', '--set', 'port=x', '--json'], { stdin: '\n' });
  t.equal(wrong.status, 2);
  t.match(wrong.json, { error: { code: 'PARAMS_INVALID', field: /port/ } });
  await addFixture(running, { name: 'mine', token: TOKEN });
  const list = await running.command('airlock-ctl', ['service', 'list', '--json']);
  t.match(list.json, [{ service: 'mine', kind: 'fixture', fields: ['token'], settings: { port: 9 } }]);
  t.notMatch(list.stdout, TOKEN);
});

t.test('agents see its operations, find its tools, and call it; the class of its write is held', async (t) => {
  const agent = await openSession(running);
  const [service] = await agent.call<ServiceSummary[]>('services.list');
  t.match(service, { service: 'mine', kind: 'fixture', title: 'Fixture' });
  t.ok(service?.operations.some(({ name }) => name === 'echo'));
  const found = await agent.call<ToolDescription[]>('tools.search', { query: 'echo' });
  t.match(JSON.stringify(found), /echo/);
  const { lease } = await obtainLease(running, agent, ['mine:read']);
  const call = (operation: string, params: object): Promise<CallResult> =>
    agent.call<CallResult>('call', { lease, service: 'mine', operation, params });
  t.match(await call('echo', { text: 'hello' }), { result: { text: 'hello', settings: { port: 9 } }, meta: { masked: 0 } });
  t.equal(await refusalOf(call('echo', { text: 7 })), 'PARAMS_INVALID');
  t.equal(await refusalOf(call('nosuch', {})), 'OPERATION_UNKNOWN');
  t.match(await refusalOf(call('change', {})), /^(READ_ONLY|LEASE_SCOPE)$/);
  t.equal(await refusalOf(agent.call('access.request', { scopes: ['mine:write'], reason: 'x' })), 'READ_ONLY');
  agent.close();
});
