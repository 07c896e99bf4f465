/** Streamable HTTP: the official client in both revisions, endpoints, sessions, changes, cancellation. */
import { GMAIL, NOTES } from '@airlock/client/test/fake-gateway';
import { systemTimers, type Timers } from '@airlock/protocol';
import t from 'tap';
import { INITIALIZE, REVISIONS, connectClient, goodHeaders, httpTransport, openHouse, raw } from './network.js';

/** Pauses of a few seconds pass at once. */
const hurried: Timers = {
  ...systemTimers,
  after: (ms, fn) => systemTimers.after(ms > 1000 && ms <= 5000 ? 0 : ms, fn),
};
const ASK = { scopes: ['gmail:read'], reason: 'find the invoice' };

for (const revision of REVISIONS) {
  t.test(`${revision}: ask, wait, call, release; every client is told of the change`, async (test) => {
    const { gateway, url, token } = await openHouse(test, { services: [GMAIL, NOTES] });
    const one = await connectClient(test, httpTransport(url, token), revision);
    const other = await connectClient(test, httpTransport(new URL(`${url.href}/gmail`), token), revision);
    test.equal(one.client.getNegotiatedProtocolVersion(), revision);
    test.match((await one.tool('airlock_count_unread')).structured, { error: { code: 'LEASE_INVALID' } });
    const asked = await one.tool('airlock_request_access', ASK);
    const before = [one.changes(), other.changes()];
    const granted = await other.tool('airlock_wait', { request: asked.structured['request'] });
    test.match(granted.structured, { status: 'approved' }, 'one session with the gateway for all clients');
    await Promise.all([one.changed(before[0] ?? 0), other.changed(before[1] ?? 0)]);
    test.match((await one.tool('airlock_count_unread')).structured, { result: { unread: 3 } });
    test.match((await other.tool('airlock_release')).structured, { released: 1 });
    test.equal(gateway.released.length, 1);
    test.equal(gateway.connections, 1);
  });

  t.test(`${revision}: the endpoint of a service has the own tools and that service alone`, async (test) => {
    const { url, token } = await openHouse(test, { services: [GMAIL, NOTES] });
    const { client, tool } = await connectClient(test, httpTransport(new URL(`${url.href}/notes`), token), revision);
    const names = (await client.listTools()).tools.map(({ name }) => name);
    test.ok(names.includes('airlock_status'));
    test.ok(names.includes('airlock_notes_add_note'));
    test.notOk(names.includes('airlock_list_emails'));
    test.match((await tool('airlock_list_emails')).structured, { error: { code: 'OPERATION_UNKNOWN' } });
  });

  t.test(`${revision}: NET-9 a cancelled wait asks the gateway no more, and the server goes on`, async (test) => {
    for (const isCancelled of [true, false]) {
      const pauses: (() => void)[] = [];
      const timers: Timers = {
        ...systemTimers,
        // What is left of a look of 5 s; connecting has 5 s exactly.
        after: (ms, fn) => (ms > 1000 && ms < 5000 ? (pauses.push(fn), { cancel: () => undefined }) : systemTimers.after(ms, fn)),
      };
      const { gateway, url, token } = await openHouse(test, { mode: 'ask', timers });
      const { client, tool } = await connectClient(test, httpTransport(url, token), revision);
      const { structured } = await tool('airlock_request_access', ASK);
      gateway.answers.set('access.wait', () => ({ status: 'pending' }));
      const controller = new AbortController();
      const waiting = client.callTool(
        { name: 'airlock_wait', arguments: { request: structured['request'], timeout_s: 10 } },
        { signal: controller.signal },
      );
      // airlock_status looks too, without waiting.
      const waits = (): number => gateway.calls('access.wait').filter((one) => (one as { timeoutS: number }).timeoutS > 0).length;
      while (pauses.length === 0) await tool('airlock_status');
      if (isCancelled) {
        controller.abort();
        await test.rejects(waiting);
      }
      await tool('airlock_status');
      test.match((await tool('airlock_status')).structured, { role: 'default' });
      for (const pass of pauses.splice(0)) pass();
      await tool('airlock_status');
      const asked = waits();
      test.equal(asked, isCancelled ? 1 : 2, isCancelled ? 'once' : 'negative control: without it a second time');
      while (!isCancelled && pauses.length === 0) await tool('airlock_status');
      for (const pass of pauses.splice(0)) pass();
      if (!isCancelled) test.match((await waiting).structuredContent, { status: 'pending' });
    }
  });
}

/** A service of an upstream MCP server. */
const UPSTREAM = { ...GMAIL, service: 'linear', kind: 'mcp' };

for (const revision of REVISIONS) {
  t.test(`${revision}: NET-9 a cancelled call is cancelled at the gateway`, async (test) => {
    const { gateway, url, token } = await openHouse(test);
    const { client, tool } = await connectClient(test, httpTransport(url, token), revision);
    const asked = await tool('airlock_request_access', ASK);
    await tool('airlock_wait', { request: asked.structured['request'] });
    const begun = new Promise<string>((resolve) => {
      gateway.answers.set('call', ({ context }: { context: { channel: string } }) => {
        resolve(context.channel);
        return new Promise(() => undefined);
      });
    });
    const cancelled = new Promise<unknown>((resolve) => {
      gateway.answers.set('call.cancel', (params) => {
        resolve(params);
        return {};
      });
    });
    const controller = new AbortController();
    const calling = client.callTool({ name: 'airlock_count_unread', arguments: {} }, { signal: controller.signal });
    const channel = await begun;
    controller.abort();
    await test.rejects(calling);
    test.same(await cancelled, { channel });
  });

  t.test(`${revision}: NET-12 progress of an upstream server reaches who asked for it, and nothing else does`, async (test) => {
    const { gateway, url, token } = await openHouse(test, { services: [GMAIL, UPSTREAM] });
    const { client, tool } = await connectClient(test, httpTransport(url, token), revision);
    const asked = await tool('airlock_request_access', { scopes: ['gmail:read', 'linear:read'], reason: 'x' });
    await tool('airlock_wait', { request: asked.structured['request'] });
    const contexts: { mcp?: unknown }[] = [];
    gateway.answers.set('call', ({ context }: { context: { channel: string; mcp?: unknown } }) => {
      const notify = (method: string, params: object): void =>
        gateway.notify({
          method: 'call.event',
          params: { channel: context.channel, event: { notify: { method, params } } } as never,
        });
      contexts.push(context);
      notify('notifications/progress', { progress: 1, total: 3, message: 'one', progressToken: 'forged' });
      notify('notifications/message', { level: 'info', data: 'x' });
      notify('notifications/progress', { progress: 'two' });
      notify('notifications/progress', { progress: 3, total: 3 });
      return { result: { content: [] }, meta: { audit: 1 } };
    });
    const seen: unknown[] = [];
    const onprogress = (progress: unknown): void => void seen.push(progress);
    const args = (service: string) => ({ name: 'airlock_count_unread', arguments: { service } });
    await client.callTool(args('linear'), { onprogress });
    test.same(seen, [
      { progress: 1, total: 3, message: 'one' },
      { progress: 3, total: 3 },
    ]);
    test.same(contexts[0]?.mcp, { revision, progress: true });
    await client.callTool(args('linear'));
    await client.callTool(args('gmail'), { onprogress });
    test.same(
      [contexts[1]?.mcp, contexts[2]?.mcp],
      [undefined, undefined],
      'negative control: not asked for, no upstream server',
    );
    test.equal(seen.length, 2);
  });
}

t.test('a service that is not there is 404 with those there are; the gateway away is 503', async (test) => {
  const { port, token, gateway } = await openHouse(test, { services: [GMAIL, NOTES] });
  const headers = goodHeaders(token);
  const unknown = await raw(port, { path: '/mcp/bank', headers, body: INITIALIZE });
  test.equal(unknown.status, 404);
  test.match(unknown.json, { error: { code: 'SERVICE_UNKNOWN', expected: 'gmail, notes', hint: /\/mcp\/NAME/ } });
  for (const path of ['/mcp/../gmail', '/mcp/GMAIL', '/mcp/gmail/x', '/mcp/%67mail', '/mcpx', '/', '/mcp//']) {
    test.equal((await raw(port, { path, headers, body: INITIALIZE })).status, 404, path);
  }
  test.equal((await raw(port, { path: '/mcp/gmail', headers, body: INITIALIZE })).status, 200, 'negative control');
  await gateway.stop();
  const away = await openHouse(test, { down: true });
  const refused = await raw(away.port, { path: '/mcp/gmail', headers: goodHeaders(away.token), body: INITIALIZE });
  test.equal(refused.status, 503);
  test.match(refused.json, { error: { code: 'UNAVAILABLE', hint: /\S/ } });
  test.equal(
    (await raw(away.port, { headers: goodHeaders(away.token), body: INITIALIZE })).status,
    200,
    'MCP-4: the server is there',
  );
});

t.test('sessions: DELETE ends one, an unknown one is 404, none is 400, a wrong method 405', async (test) => {
  const { port, token, url } = await openHouse(test, { services: [GMAIL, NOTES] });
  const headers = goodHeaders(token);
  const begun = await raw(port, { headers, body: INITIALIZE });
  const id = String(begun.headers['mcp-session-id']);
  test.match(id, /^[A-Za-z0-9_-]{24}$/);
  const list = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/list', params: {} });
  const inSession = { ...headers, 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25' };
  test.match((await raw(port, { headers: inSession, body: list })).text, /airlock_status/);
  const elsewhere = await raw(port, { path: '/mcp/gmail', headers: inSession, body: list });
  test.equal(elsewhere.status, 404, 'NET-7: not at another endpoint');
  test.equal((await raw(port, { headers, body: list })).status, 400);
  test.equal((await raw(port, { method: 'DELETE', headers: inSession })).status, 200);
  test.equal((await raw(port, { headers: inSession, body: list })).status, 404);
  test.equal((await raw(port, { method: 'PUT', headers, body: list })).status, 405);
  test.equal((await raw(port, { headers, body: 'not json' })).status, 400);
  test.match(url.pathname, '/mcp');
});

t.test('a client that lost its stream gets what it missed by Last-Event-ID', async (test) => {
  const { port, token } = await openHouse(test);
  const headers = goodHeaders(token);
  const begun = await raw(port, { headers, body: INITIALIZE });
  const inSession = {
    ...headers,
    'mcp-session-id': String(begun.headers['mcp-session-id']),
    'mcp-protocol-version': '2025-11-25',
  };
  const call = JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'airlock_status', arguments: {} } });
  const answered = await raw(port, { headers: inSession, body: call });
  const first = /^id: (\S+)/m.exec(answered.text)?.[1] ?? '';
  test.match(answered.text, /"id":7/);
  const again = await raw(port, { method: 'GET', headers: { ...inSession, 'last-event-id': first } });
  test.match(again.text, /"id":7/, 'the answer, once more');
  test.equal((await raw(port, { method: 'GET', headers: { ...inSession, 'last-event-id': 'e999' } })).status, 400);
});

t.test('progress is told over HTTP in both revisions', async (test) => {
  for (const revision of REVISIONS) {
    const { gateway, url, token } = await openHouse(test, {
      mode: 'ask',
      timers: hurried,
    });
    const { client, tool } = await connectClient(test, httpTransport(url, token), revision);
    const { structured } = await tool('airlock_request_access', ASK);
    gateway.answers.set('access.wait', () => ({ status: 'pending' }));
    const seen: number[] = [];
    await client.callTool(
      { name: 'airlock_wait', arguments: { request: structured['request'], timeout_s: 15 } },
      { onprogress: ({ progress }) => void seen.push(progress) },
    );
    test.same(seen, [5, 10], revision);
  }
});
