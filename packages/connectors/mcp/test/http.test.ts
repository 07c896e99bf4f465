/** Streamable HTTP in both revisions against a server of our own: what is sent, what is taken, what is refused. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json } from '@airlock/protocol';
import t, { type Test } from 'tap';
import type { McpSession, Members } from '../src/contract.js';
import { openMcpSession } from '../src/session.js';
import { quiet, refusal, talking, urlContext } from './support.js';

interface Body {
  readonly id?: number;
  readonly method?: string;
  readonly params: Members;
  readonly result?: Json;
}
interface Asked {
  readonly http: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Body;
}
type Serve = (asked: Asked, response: ServerResponse) => void;

const json = (response: ServerResponse, value: object, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', ...value }));
};
const events = (response: ServerResponse, ...messages: readonly object[]): void => {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const message of messages) response.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);
};
const TOOLS = [
  {
    name: 'look',
    annotations: { readOnlyHint: true },
    inputSchema: { type: 'object', properties: { q: { type: 'string', 'x-mcp-header': 'Q' } } },
  },
  { name: 'change', inputSchema: { type: 'object' } },
];

const start = async (t: Test, serve: Serve): Promise<{ readonly url: string; readonly asked: Asked[] }> => {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (piece: Buffer) => (text += piece.toString()));
    request.on('end', () => {
      const one = { http: request.method ?? '', headers: request.headers, body: JSON.parse(text === '' ? '{}' : text) as Body };
      asked.push(one);
      serve(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, asked };
};

const open = (t: Test, ...args: Parameters<typeof urlContext>): McpSession => {
  const session = openMcpSession(urlContext(...args));
  t.teardown(() => session.close());
  return session;
};

/** A server of 2025-11-25 with a session; `call` answers tools/call. */
const old =
  (call: Serve): Serve =>
  (asked, response) => {
    const { body, http } = asked;
    if (http === 'DELETE') return void response.writeHead(200).end();
    if (http === 'GET') return call(asked, response);
    const capabilities = { tools: {}, resources: {} };
    if (body.method === 'initialize') {
      response.setHeader('mcp-session-id', 's1');
      return json(response, {
        id: body.id,
        result: { protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 'old' } },
      });
    }
    if (body.method === 'tools/list') return json(response, { id: body.id, result: { tools: TOOLS } });
    if (body.id === undefined || body.method === undefined) {
      call(asked, response);
      if (!response.headersSent) response.writeHead(202).end();
      return;
    }
    call(asked, response);
  };

const recent =
  (call: Serve): Serve =>
  (asked, response) => {
    const { body, http } = asked;
    if (http !== 'POST') return void response.writeHead(405).end();
    if (body.method === 'initialize')
      return json(response, { id: body.id, error: { code: -32022, message: 'unsupported' } }, 400);
    const result = { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: { tools: {} } };
    if (body.method === 'server/discover') return json(response, { id: body.id, result });
    if (body.method === 'tools/list') return json(response, { id: body.id, result: { resultType: 'complete', tools: TOOLS } });
    call(asked, response);
  };

t.test('2025-11-25: session, version and credential in every request; progress, asks, log messages of a stream', async (t) => {
  let answered: Json | undefined;
  let finish: () => void = () => undefined;
  const { url, asked } = await start(
    t,
    old(({ http, body }, response) => {
      if (http === 'GET') return void response.writeHead(405).end();
      if (body.method === undefined) {
        answered = body.result;
        return finish();
      }
      if (body.method !== 'tools/call') return;
      const meta = body.params['_meta'] as { progressToken?: number } | undefined;
      events(
        response,
        { method: 'notifications/progress', params: { progressToken: meta?.progressToken, progress: 1 } },
        { method: 'notifications/progress', params: { progressToken: 999, progress: 2 } },
        { method: 'notifications/message', params: { level: 'info', data: 'words' } },
        { id: 'a1', method: 'elicitation/create', params: { message: 'Which?' } },
      );
      finish = () => {
        events(response, { id: body.id, result: { content: [], structuredContent: { a: [1, { b: null }] }, _meta: { x: 1 } } });
        response.end();
      };
    }),
  );
  const session = open(t, url, { Authorization: 'Bearer abc' });
  t.equal((await session.list()).length, 2);
  const { context, heard } = talking(
    { progress: true, capabilities: { elicitation: {} }, meta: { trace: 'x', progressToken: 'theirs' } },
    () => ({ action: 'accept' }),
  );
  const { result } = await session.execute('look', {}, context);
  t.same(result, { content: [], structuredContent: { a: [1, { b: null }] }, _meta: { x: 1 } }, 'UPSTREAM-13 member for member');
  t.same(heard.notices, [
    { method: 'notifications/progress', params: { progress: 1 } },
    { method: 'notifications/message', params: { level: 'info', data: 'words' } },
  ]);
  t.same(heard.asks, [{ method: 'elicitation/create', params: { message: 'Which?' } }]);
  t.same(answered, { action: 'accept' });
  const call = asked.find(({ body }) => body.method === 'tools/call');
  t.match(call?.headers, { 'mcp-session-id': 's1', 'mcp-protocol-version': '2025-11-25', authorization: 'Bearer abc' });
  t.match(call?.body.params, { name: 'look', _meta: { trace: 'x', progressToken: Number } });
  await session.close();
  t.equal(asked.at(-1)?.http, 'DELETE', 'the session is ended');
});

t.test('a session that the server forgot is opened anew, once', async (t) => {
  let forgets = 1;
  const { url, asked } = await start(
    t,
    old(({ http, body }, response) => {
      if (http === 'GET') return void response.writeHead(405).end();
      if (body.method !== 'tools/call') return;
      forgets -= 1;
      if (forgets >= 0) return void response.writeHead(404).end();
      json(response, { id: body.id, result: { content: [] } });
    }),
  );
  const session = open(t, url);
  t.same((await session.execute('change', {}, quiet())).result, { content: [] });
  t.equal(asked.filter(({ body }) => body.method === 'initialize').length, 2);
});

t.test('a stream that ends before its answer is asked for again from the last event', async (t) => {
  const { url, asked } = await start(
    t,
    old(({ http, body, headers }, response) => {
      if (http === 'GET' && headers['last-event-id'] === 'e1') {
        events(response, { id: call, result: { content: [{ type: 'text', text: 'resumed' }] } });
        return void response.end();
      }
      if (http === 'GET') return void response.writeHead(405).end();
      if (body.method !== 'tools/call') return;
      call = body.id;
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end('id: e1\nretry: 60\ndata: \n\n');
    }),
  );
  let call: number | undefined;
  const session = open(t, url);
  t.match((await session.execute('look', {}, quiet())).result, { content: [{ text: 'resumed' }] });
  t.ok(asked.some(({ headers }) => headers['last-event-id'] === 'e1'));
});

t.test('2026-07-28: the envelope, the headers, input_required, a server that knows nothing else', async (t) => {
  const { url, asked } = await start(
    t,
    recent(({ body }, response) => {
      if (body.method === 'subscriptions/listen')
        return events(response, { method: 'notifications/tools/list_changed', params: {} });
      const { inputResponses } = body.params;
      if (inputResponses !== undefined)
        return json(response, { id: body.id, result: { resultType: 'complete', content: [], got: inputResponses } });
      const inputRequests = { k: { method: 'elicitation/create', params: { message: 'Which?' } } };
      json(response, { id: body.id, result: { resultType: 'input_required', inputRequests, requestState: 'st' } });
    }),
  );
  const session = open(t, url, { 'X-Key': 'abc' });
  const changed = new Promise<void>((resolve) => session.onListChanged(resolve));
  await session.list();
  await changed;
  const first = talking({ revision: '2026-07-28', capabilities: { elicitation: {} } });
  const asking = await session.execute('look', { q: 'ä' }, first.context);
  t.match(
    asking.result,
    { resultType: 'input_required', requestState: /^[0-9a-f-]{36}$/ },
    'for a client of the revision, a name for the state',
  );
  const { requestState } = asking.result as { readonly requestState: string };
  const call = asked.find(({ body }) => body.method === 'tools/call');
  t.match(call?.headers, {
    'mcp-method': 'tools/call',
    'mcp-name': 'look',
    'mcp-protocol-version': '2026-07-28',
    'mcp-param-q': '=?base64?w6Q=?=',
    'x-key': 'abc',
  });
  t.match(call?.body.params['_meta'], {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
  });
  const again = talking({ revision: '2026-07-28', inputResponses: { k: { action: 'accept' } }, requestState });
  t.match((await session.execute('look', { q: 'ä' }, again.context)).result, { got: { k: { action: 'accept' } } });
  const bridged = talking({ capabilities: { elicitation: {} } }, () => ({ action: 'decline' }));
  t.match(
    (await session.execute('look', {}, bridged.context)).result,
    { got: { k: { action: 'decline' } } },
    'asked over the call of an older client',
  );
  t.match(asked.at(-1)?.body.params, { requestState: 'st' });
  t.match(await refusal(session.execute('look', {}, quiet())), { code: 'UPSTREAM_REFUSED', found: 'input_required' });
  t.match((await session.execute('mcp_capabilities', {}, quiet())).result, { revision: '2026-07-28' });
});

t.test('UPSTREAM-17: what needs no code carries nothing of the caller', async (t) => {
  const { url, asked } = await start(
    t,
    recent(({ body }, response) => json(response, { id: body.id, result: { resultType: 'complete', content: [] } })),
  );
  const session = open(t, url);
  const said = { meta: { note: 'LETTER' }, capabilities: { elicitation: { note: 'LETTER' } }, requestState: 'LETTER' };
  for (const revision of ['2025-11-25', '2026-07-28'])
    for (const [operation, params] of [
      ['mcp_ping', {}],
      ['mcp_capabilities', {}],
      ['mcp_set_level', { level: 'info' }],
    ] as const)
      await session.execute(operation, params, talking({ ...said, revision }).context);
  t.notMatch(JSON.stringify(asked), 'LETTER');
  await session.execute('look', {}, talking({ ...said, revision: '2026-07-28' }).context);
  t.match(asked.at(-1)?.body.params, { _meta: { note: 'LETTER' }, requestState: 'LETTER' }, 'negative control');
});

t.test('a client of 2026-07-28 is served in it where the server speaks both', async (t) => {
  const versions: unknown[] = [];
  const serve: Serve = ({ body, headers }, response) => {
    versions.push(headers['mcp-protocol-version']);
    json(response, { id: body.id, result: { resultType: 'complete', content: [] } });
  };
  const { url } = await start(t, (asked, response) =>
    asked.body.method === 'server/discover' || asked.headers['mcp-protocol-version'] === '2026-07-28'
      ? recent(serve)(asked, response)
      : old((one, two) =>
          one.http === 'GET' ? void two.writeHead(405).end() : one.body.method === 'tools/call' ? serve(one, two) : undefined,
        )(asked, response),
  );
  const session = open(t, url);
  await session.execute('look', {}, quiet());
  await session.execute('look', {}, talking({ revision: '2026-07-28' }).context);
  t.same(versions, ['2025-11-25', '2026-07-28']);
});

t.test('refusals, and what is unknown after a write', async (t) => {
  let status = 500;
  let body = '';
  const { url } = await start(
    t,
    old(({ http, body: asked }, response) => {
      if (http === 'GET') return void response.writeHead(405).end();
      if (asked.method !== 'tools/call') return;
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    }),
  );
  const session = open(t, url);
  const rows = [
    [401, '', { code: 'UPSTREAM_REFUSED', found: 'bad_credentials' }, { found: 'bad_credentials' }],
    [429, '', { code: 'RATE_LIMITED' }, { code: 'RATE_LIMITED' }],
    [400, '', { code: 'UPSTREAM_REFUSED', found: 'status_400' }, { found: 'status_400' }],
    [503, '', { code: 'UNAVAILABLE', found: 'status_503' }, { code: 'OUTCOME_UNKNOWN' }],
    [200, '{', { code: 'UPSTREAM_REFUSED', found: 'no_answer' }, { code: 'OUTCOME_UNKNOWN' }],
    [200, '{"jsonrpc":"2.0","id":77777,"result":{}}', { found: 'no_answer' }, { code: 'OUTCOME_UNKNOWN' }],
    [200, `"${'x'.repeat(5_000_000)}"`, { found: 'too_large' }, { code: 'OUTCOME_UNKNOWN' }],
  ] as const;
  for (const [given, text, read, write] of rows) {
    [status, body] = [given, text];
    t.match(await refusal(session.execute('look', {}, quiet())), read, `${given} ${text.slice(0, 50)}`);
    t.match(await refusal(session.execute('change', {}, quiet())), write, `write: ${given} ${text.slice(0, 50)}`);
  }
  const nobody = open(t, 'http://127.0.0.1:1/mcp');
  t.match(await refusal(nobody.list()), { code: 'UNAVAILABLE', found: 'no_network' });
});

t.test('UPSTREAM-11 a call that is given up is cancelled at the server', async (t) => {
  let closed: () => void = () => undefined;
  const over = new Promise<void>((resolve) => (closed = resolve));
  const { url, asked } = await start(
    t,
    old(({ http, body }, response) => {
      if (http === 'GET') return void response.writeHead(405).end();
      if (body.method !== 'tools/call') return;
      events(response, { method: 'notifications/message', params: { level: 'info', data: 'working' } });
      response.once('close', closed);
    }),
  );
  const session = open(t, url);
  await session.list();
  t.match(await refusal(session.execute('look', {}, quiet(200))), { code: 'UPSTREAM_TIMEOUT' });
  await over;
  while (!asked.some(({ body }) => body.method === 'notifications/cancelled'))
    await new Promise((resolve) => setImmediate(resolve));
  t.pass('told, and its stream closed');
});
