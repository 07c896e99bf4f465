// Access nobody asked for, from airlock-ctl grant to the agent's call; and a renewal, its difference read before the code.
import { addMailbox, approveFront, startTestInstance, type CommandResult, type Running } from '@airlock/testkit';
import t from 'tap';

let running: Running;
t.before(async () => {
  running = await startTestInstance({ cells: 3 });
  await addMailbox(running);
});
t.teardown(() => running.stop());

const ctl = (args: readonly string[], stdin?: string): Promise<CommandResult> =>
  running.command('airlock-ctl', args, stdin === undefined ? {} : { stdin });
const airlock = (...args: string[]): Promise<CommandResult> => running.command('airlock', args);
const count = (...more: string[]): Promise<CommandResult> => airlock('call', 'mail', 'count_unread', '--json', ...more);
const leaseIds = async (): Promise<string[]> =>
  ((await airlock('status', '--json')).json as { leases: { id: string }[] }).leases.map(({ id }) => id);

t.test('grant, find, claim, call', async (t) => {
  const args = ['grant', 'default', 'mail', '--ttl', '30', '--intent', 'weekly review', '--calls', '2'];
  const granted = await ctl([...args, '--json'], `${running.freshCode()}\n`);
  t.match(granted.json, { grant: /^g-/, role: 'default', scopes: ['mail:read'], expiresAt: /Z$/ }, granted.stderr);
  const { grant } = granted.json as { grant: string };
  t.match(granted.stderr, 'do       grant access that an agent may claim, once');
  t.match((await ctl(['leases'])).stdout, `${grant}  default (unclaimed)  mail:read`);
  t.match((await ctl(['leases', '--json'])).json, [{ id: grant, session: null, unclaimed: true }]);
  t.match((await airlock('status')).stdout, `airlock claim ${grant}`);
  t.match((await airlock('status', '--json')).json, { grants: [{ id: grant, scopes: ['mail:read'], intent: 'weekly review' }] });
  const claimed = await airlock('claim', '--json');
  t.match(claimed.json, { grant, lease: /^al1\./, intent: 'weekly review' });
  t.match(claimed.stderr, '--intent "weekly review"');
  t.match((await count()).json, { error: { code: 'LEASE_INTENT' } });
  t.match((await count('--intent', 'weekly review')).json, { result: { folder: 'INBOX' } });
  t.match((await airlock('claim', '--json')).json, { error: { code: 'NOT_FOUND' } }, 'there is none left');
  t.match((await airlock('claim', grant, '--json')).json, { error: { code: 'NOT_FOUND' } });
});

t.test('what could not be claimed is refused before a code is asked for', async (t) => {
  const refused = async (...args: string[]): Promise<unknown> => (await ctl(['grant', ...args, '--json'], '000000\n')).json;
  t.match(await refused('nobody', 'mail'), { error: { code: 'PARAMS_INVALID', expected: 'default' } });
  t.match(await refused('default', 'calendar'), { error: { code: 'SERVICE_UNKNOWN' } });
  t.match(await refused('default', 'mail:write'), { error: { code: 'READ_ONLY' } });
  t.match(await refused('default', 'mail', '--ttl', '0'), { error: { code: 'PARAMS_INVALID', field: '--ttl' } });
  t.match(await refused('default', 'mail', '--ttl', '1000'), { error: { code: 'CONSTRAINT' } });
  t.match(await refused('default', 'mail', '--constraint', 'calendars=x'), {
    error: { code: 'CONSTRAINT', expected: /folders/ },
  });
  t.match(await refused('default', 'mail', '--constraint', 'maxRisk=2000'), { error: { code: 'PARAMS_INVALID' } });
  t.match((await ctl(['pending', '--json'])).json, { front: null });
});

t.test('a grant is held to what was approved with it', async (t) => {
  running.clock.advance(60_000);
  const limits = [
    '--constraint',
    'senders=grace@example.org',
    '--constraint',
    'since=2026-11-01',
    '--constraint',
    'bytes=100000',
  ];
  const granted = await ctl(['grant', 'default', 'mail', ...limits, '--json'], `${running.freshCode()}\n`);
  for (const words of ['only mail from "grace@example.org"', 'nothing before 2026-11-01', 'at most 100000 bytes of results'])
    t.ok(granted.stderr.includes(words), words);
  await airlock('claim', '--json');
  const listed = await airlock('call', 'mail', 'list_messages', '--json');
  t.match(listed.json, { result: { total: 1, messages: [{ from: { address: 'grace@example.org' } }] } }, listed.stdout);
});

t.test('a renewal shows what changes, and the old lease ends when it is delivered', async (t) => {
  running.clock.advance(60_000);
  await airlock('request', 'mail:read', '--reason', 'first', '--ttl', '30', '--json');
  await approveFront(running);
  const request = (await airlock('request', 'mail:read', '--reason', 'again', '--ttl', '20', '--json')).json as {
    request: string;
  };
  running.clock.advance(30_000);
  await approveFront(running);
  await airlock('wait', request.request);
  const before = await leaseIds();
  const asked = (await airlock('request', '--renew', '--reason', 'longer', '--ttl', '60', '--json')).json as { request: string };
  const shown = (await ctl(['pending'])).stdout;
  t.match(shown, '  access   mail:read');
  t.match(shown, '  changes  for 60 min, before 20 min\n           nothing else changes');
  running.clock.advance(30_000);
  await approveFront(running);
  t.match((await airlock('wait', asked.request)).stdout, 'approved until');
  const after = await leaseIds();
  t.equal(before.filter((id) => !after.includes(id)).length, 1, 'one ended');
  t.equal(after.length, before.length, 'and one came');
  t.match((await count()).json, { result: { folder: 'INBOX' } });
  t.match((await airlock('request', '--reason', 'x', '--json')).json, { error: { code: 'PARAMS_INVALID', field: 'SCOPE' } });
});
