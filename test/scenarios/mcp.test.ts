// The official MCP client on `airlock mcp`, against the real daemons: status, ask, approve, read, expired.
import { addMailbox, approveFront, checkout, startTestInstance, type Running } from '@airlock/testkit';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { join } from 'node:path';
import t from 'tap';

interface Answer {
  readonly isError: boolean;
  readonly text: string;
  readonly structured: Record<string, unknown>;
}

let running: Running;
const client = new Client({ name: 'test', version: '1' });
t.before(async () => {
  running = await startTestInstance();
  await addMailbox(running);
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [join(checkout, 'dist/lib/airlock.cjs'), 'mcp'],
      env: { ...running.env },
      stderr: 'ignore',
    }),
  );
});
t.teardown(async () => {
  await client.close();
  await running.stop();
});

const tool = async (name: string, args: Record<string, unknown> = {}): Promise<Answer> => {
  const { content, structuredContent, isError } = await client.callTool({ name, arguments: args });
  const [first] = content;
  const text = first?.type === 'text' ? first.text : '';
  return { isError: isError === true, text, structured: (structuredContent ?? {}) as Record<string, unknown> };
};

t.test('the tools of the mailbox are listed, and refused without a lease', async (t) => {
  const names = (await client.listTools()).tools.map(({ name }) => name);
  for (const name of ['status', 'request_access', 'wait', 'list_emails', 'search_emails', 'get_email', 'count_unread'])
    t.ok(names.includes(`airlock_${name}`), name);
  t.match((await tool('airlock_status')).structured, { role: 'default', leases: [] });
  const refused = await tool('airlock_list_emails', { limit: 2 });
  t.equal(refused.isError, true);
  t.match(refused.text, /airlock_request_access/, 'and says what to do');
});

t.test('asked, approved by airlock-ctl, read', async (t) => {
  const asked = await tool('airlock_request_access', { scopes: ['mail:read'], reason: 'read mail', ttl_minutes: 10 });
  t.match(asked.structured, { status: 'pending', match: /^\d\d$/ });
  await approveFront(running);
  const granted = await tool('airlock_wait', { request: asked.structured['request'] });
  t.match(granted.structured, { status: 'approved', scopes: ['mail:read'] });

  const listed = await tool('airlock_list_emails', { limit: 2 });
  const { messages } = listed.structured['result'] as { messages: { id: string; subject: string }[] };
  t.same(
    messages.map(({ subject }) => subject),
    ['Invoice 2026-1107', 'Lunch on Friday?'],
  );
  const found = await tool('airlock_search_emails', { from: 'acme' });
  t.match(JSON.stringify(found.structured), /Invoice 2026-1107/);
  t.notMatch(JSON.stringify(found.structured), /Lunch on Friday/, 'negative control: it searches');
  const got = await tool('airlock_get_email', { id: messages[0]?.id });
  t.match(JSON.stringify(got.structured), /120\.00 EUR/);
  t.match((await tool('airlock_count_unread')).structured, { result: { unread: 2 } });
  t.notMatch(JSON.stringify([asked, granted, listed, found, got]), /al1\./, 'no lease text');
});

t.test('wrong arguments are refused and named', async (t) => {
  const refused = await tool('airlock_list_emails', { limit: '2' });
  t.equal(refused.isError, true);
  t.match(refused.text, /limit/);
});

t.test('after its end the lease is over', async (t) => {
  running.clock.advance(600_000);
  const refused = await tool('airlock_list_emails', { limit: 1 });
  t.equal(refused.isError, true);
  t.match(JSON.stringify(refused), /LEASE_EXPIRED|airlock_request_access/);
});
