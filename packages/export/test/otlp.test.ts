/** OTLP receivers as they are: strict, slow, refusing in part or for ever, behind TLS, wanting to know who tells. SINK-4, SINK-8, SINK-10. */
import { certified, until } from '@airlock/testkit';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { createServer as createTls } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import {
  EMPTY_TRACES,
  logsBody,
  openSink,
  parseHeaders,
  parseRetryAfter,
  partialSuccess,
  readHeaders,
  traceIdOf,
  traceRecord,
  tracesBody,
  type Span,
} from '../src/index.js';
import { firsts, recordOf, tell, upTo } from './fixture.js';
import { logsProblems, tracesProblems } from './otlp-mapping.js';

type Body = Readonly<Record<string, unknown>>;
interface Reply {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}
interface Receiver {
  readonly url: string;
  /** Numbers of the records taken, as they came. */
  readonly seqs: number[];
  readonly taken: Body[];
  readonly headers: IncomingHttpHeaders[];
  posts: number;
  /** null: never. */
  answer: (seqs: readonly number[], body: Body) => Reply | null;
}

const seqsIn = (body: Body): number[] =>
  [...JSON.stringify(body).matchAll(/"airlock\.seq","value":\{"intValue":"(\d+)"/g)].map(([, seq]) => Number(seq));

const receiver = async (t: { teardown(end: () => void): void }, tls?: { cert: string; key: string }): Promise<Receiver> => {
  const handle: Parameters<typeof createServer>[1] = (request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    request.on('end', () => {
      const body = JSON.parse(text) as Body;
      made.posts += 1;
      made.headers.push(request.headers);
      const isLogs = request.url === '/v1/logs';
      const found = isLogs ? logsProblems(body) : tracesProblems(body);
      const reply = found.length > 0 ? { status: 418, body: found.join('; ') } : made.answer(seqsIn(body), body);
      if (found.length > 0) process.stderr.write(`${found.join('\n')}\n`);
      if (reply === null) return;
      if (reply.status === 200) made.taken.push(body);
      if (reply.status === 200 && isLogs) made.seqs.push(...seqsIn(body));
      response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers }).end(reply.body ?? '{}');
    });
  };
  const server: Server = tls === undefined ? createServer(handle) : createTls(tls, handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  const made: Receiver = { url, seqs: [], taken: [], headers: [], posts: 0, answer: () => ({ status: 200 }) };
  return made;
};

const OTHER_REPLIES: readonly Reply[] = [
  { status: 429, headers: { 'retry-after': '1' } },
  { status: 503, headers: { 'retry-after': new Date(Date.now() + 1000).toUTCString() } },
  { status: 502, body: '<html>' },
  { status: 401 },
  { status: 404 },
  { status: 301, headers: { location: 'http://127.0.0.1:1/v1/logs' } },
  { status: 204 },
];

t.test('bodies are what opentelemetry-proto and its JSON mapping say', async (t) => {
  const records = [
    recordOf(1, {
      count: 3,
      big: 1e300,
      part: 0.5,
      ok: true,
      nothing: null,
      many: ['a', 1, { deep: true }],
      odd: '\ud800',
      'a b': 'é\u0000',
    }),
    recordOf(2),
  ];
  const format = { host: 'h', fields: ['*'] };
  t.same(logsProblems(JSON.parse(JSON.stringify(logsBody(records, new Map([[1, traceIdOf('r')]]), format)))), []);
  const story = [
    { ...recordOf(1), event: 'request_opened', fields: { request: 'r' } },
    { ...recordOf(2), event: 'lease_issued', fields: { request: 'r', lease: 'l' } },
    { ...recordOf(3), fields: { lease: 'l' } },
    { ...recordOf(4), event: 'lease_expired', fields: { lease: 'l' } },
  ];
  let state = EMPTY_TRACES;
  const spans: Span[] = [];
  for (const one of story) {
    const step = traceRecord(state, one);
    state = step.state;
    spans.push(...step.spans);
  }
  t.equal(spans.length, 4);
  t.same(tracesProblems(JSON.parse(JSON.stringify(tracesBody(spans, format)))), []);
  const bad = {
    resourceLogs: [
      { scopeLogs: [{ logRecords: [{ timeUnixNano: 1, body: { stringValue: 'x', intValue: 1 }, traceId: 'AA==', more: 1 }] }] },
    ],
  };
  t.equal(
    logsProblems(bad).length,
    5,
    'negative control: number for string, two of a oneof, number in it, base64 for hexadecimal, an unknown field',
  );
});

t.test('SINK-4: refused, silent and gone: it waits as it was asked to, and nothing is lost', async (t) => {
  const server = await receiver(t);
  const replies = [...OTHER_REPLIES];
  server.answer = () => replies.shift() ?? { status: 200 };
  const telling = tell({ to: server.url });
  t.teardown(() => telling.stop());
  telling.add(90);
  await until('everything is there', async () => server.seqs.length >= 90, 60_000);
  t.same(server.seqs, upTo(90), 'once each, in order');
  t.ok(server.posts <= 3 + OTHER_REPLIES.length, `${server.posts} posts`);
  t.match(telling.said.join('\n'), /waits, nothing is lost: \/v1\/logs was answered with 429[^]*delivers again/);
  t.same(
    [
      parseRetryAfter('7', 0),
      parseRetryAfter('Thu, 01 Jan 1970 00:00:09 GMT', 1000),
      parseRetryAfter('soon', 0),
      parseRetryAfter(undefined, 0),
    ],
    [7000, 8000, null, null],
  );
});

t.test('SINK-8: one record that is refused for ever does not hold up the others', async (t) => {
  const server = await receiver(t);
  server.answer = (_seqs, body) => ({ status: JSON.stringify(body).includes('poison') ? 400 : 200 });
  const telling = tell({ to: server.url });
  t.teardown(() => telling.stop());
  telling.add(17);
  telling.add(1, { reason: 'poison' });
  telling.add(60);
  await until('everything is there', async () => new Set(server.seqs).size === 78, 60_000);
  t.same(server.seqs, upTo(78), 'once each, in order, the bad one too');
  t.match(telling.said.join('\n'), /refuses record 18; told without its fields/);
  t.ok(server.posts < 20, `found by halves: ${server.posts} posts`);
  await until('it counts', async () => telling.position.seq === 78);
});

t.test(
  'SINK-8: what is refused even bare waits, and is left out in the end, said by its number',
  { timeout: 200_000 },
  async (t) => {
    const server = await receiver(t);
    let isDown = true;
    server.answer = (seqs) => ({ status: isDown || seqs.includes(3) ? 413 : 200 });
    const telling = tell({ to: server.url }, 40);
    t.teardown(() => telling.stop());
    telling.add(5);
    await until('it was tried', async () => server.posts >= 3);
    t.equal(telling.position.seq, 0, 'a receiver that refuses everything is told it again');
    isDown = false;
    await until('the others are there', async () => [1, 2].every((seq) => server.seqs.includes(seq)), 60_000);
    await until('the rest follows', async () => server.seqs.includes(5), 150_000);
    t.same(firsts(server.seqs), [1, 2, 4, 5]);
    t.match(telling.said.join('\n'), /refuses record 3 even without its fields; LEFT OUT/);
  },
);

t.test('SINK-8: several that are refused in one batch cost ten tries each, not ten times as many', async (t) => {
  const server = await receiver(t);
  const bad = [2, 3, 5];
  server.answer = (seqs) => ({ status: seqs.some((seq) => bad.includes(seq)) ? 400 : 200 });
  const said: string[] = [];
  const sink = openSink({ name: 'x', to: server.url, fields: [], traces: false }, (message) => void said.push(message));
  const records = upTo(5).map((seq) => recordOf(seq));
  const isReceived = async (): Promise<boolean> =>
    sink.deliver(records, EMPTY_TRACES).then(
      () => true,
      () => false,
    );
  let tries = 1;
  while (tries < 200 && !(await isReceived())) tries += 1;
  t.equal(tries, 1 + bad.length * 9, 'the try that leaves one out goes on to the next');
  t.same(firsts(server.seqs), [1, 4]);
  const leftOut = said.filter((one) => one.includes('LEFT OUT'));
  t.equal(leftOut.length, bad.length, 'each is said once');
  bad.length = 0;
  t.ok(await isReceived());
  t.same(firsts(server.seqs), [1, 4, 2, 3, 5], 'negative control: with the batch received it counts anew');
});

t.test('what a receiver left out of what it took is said, in words that cannot forge a line', async (t) => {
  const server = await receiver(t);
  server.answer = () => ({
    status: 200,
    body: JSON.stringify({
      partialSuccess: { rejectedLogRecords: '2', errorMessage: `bad\nairlock-export: forged\u001b[2J${'x'.repeat(9000)}` },
    }),
  });
  const telling = tell({ to: server.url });
  t.teardown(() => telling.stop());
  telling.add(3);
  await until('it is said', async () => telling.said.some((one) => one.startsWith('left out 2')));
  const [said = ''] = telling.said;
  t.notMatch(said, /\p{C}/u);
  t.ok(said.length < 300);
  t.equal(server.posts, 1, 'the specification forbids to send it again');
  for (const harmless of [
    '',
    'null',
    '[]',
    '{',
    '{"partialSuccess":null}',
    '{"partialSuccess":{}}',
    '{"partialSuccess":{"rejectedSpans":0}}',
  ])
    t.equal(partialSuccess(harmless), null, harmless);
  t.equal(partialSuccess('{"partialSuccess":{"errorMessage":"slow down"}}'), 'warns: slow down');
});

t.test('hostile answers: endless, broken, dripping, none', { timeout: 120_000 }, async (t) => {
  let calls = 0;
  const server = createServer((request, response) => {
    request.resume();
    calls += 1;
    if (calls === 1) return void request.socket.end('HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n');
    if (calls === 2) return void request.socket.end('\u0000\u0001\u0002');
    if (calls === 3)
      return void request.socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n');
    if (calls === 4) {
      response.writeHead(200);
      const pour = (): void => {
        while (response.write('x'.repeat(65_536)));
      };
      response.on('drain', pour).on('error', () => undefined);
      return pour();
    }
    request.on('end', () => response.end('{}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const telling = tell({ to: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  t.teardown(() => telling.stop());
  telling.add(2);
  await until('the honest answer counts', async () => telling.position.seq === 2, 60_000);
  t.equal(calls, 5);
});

const secretFile = (t: { teardown(end: () => void): void }, text: string, mode = 0o600): string => {
  const dir = mkdtempSync(join(tmpdir(), 'airlock-secret-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, 'headers');
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
};

t.test('SINK-10: headers out of a file, over TLS with an authority of its own; a new secret counts at once', async (t) => {
  const tls = certified();
  const server = await receiver(t, tls);
  const ca = secretFile(t, tls.cert, 0o644);
  const headers = secretFile(t, '# for the collector\nAuthorization: Bearer first\nX-Scope-OrgID: a b\n');
  server.answer = () => ({ status: server.headers.at(-1)?.authorization === 'Bearer second' ? 200 : 401 });
  const telling = tell({ to: server.url, headers, ca });
  t.teardown(() => telling.stop());
  telling.add(2);
  await until('it is refused', async () => server.posts > 0);
  writeFileSync(headers, 'Authorization: Bearer second\n');
  await until('it is let in', async () => server.seqs.length === 2, 30_000);
  t.match(server.headers[0], { authorization: 'Bearer first', 'x-scope-orgid': 'a b', 'content-type': 'application/json' });
  t.notMatch(telling.said.join('\n'), /Bearer|first|second/, 'no secret is said');
  const stranger = tell({ to: server.url, headers });
  t.teardown(() => stranger.stop());
  stranger.add(1);
  await until('an unknown authority is nobody', async () =>
    stranger.said.some((one) => /DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED/.test(one)),
  );
});

t.test('SINK-10: a file that others can read or change, or that is none, is refused and nothing of it said', async (t) => {
  const refused = (path: string): string => {
    try {
      readHeaders(path);
      return 'read';
    } catch (thrown) {
      return (thrown as Error).message;
    }
  };
  t.equal(refused(secretFile(t, 'A: b')), 'read', 'negative control');
  t.equal(refused(secretFile(t, 'A: b', 0o640)), 'read', 'a group may read it: that of airlock-export');
  for (const mode of [0o644, 0o604, 0o620, 0o602, 0o601])
    t.match(refused(secretFile(t, 'A: b', mode)), /others can read or change it: chmod 0640/);
  const link = `${secretFile(t, 'A: b')}.link`;
  symlinkSync('headers', link);
  t.match(refused(link), /it is a symlink/);
  t.match(refused('/nowhere/headers'), /ENOENT/);
  t.match(refused(tmpdir()), /it is no regular file/);
  t.match(refused(secretFile(t, `A: ${'b'.repeat(70_000)}`)), /it is too large/);
  for (const bad of [
    'SECRET',
    'A SECRET: x',
    'A: SECRET\u0000',
    'A:',
    ': SECRET',
    'A: SECRET\u00e9',
    'Host: SECRET',
    'content-length: 5SECRET',
    'Transfer-Encoding: SECRET',
  ]) {
    t.throws(() => parseHeaders('/f', `B: c\n${bad}`), { message: /^\/f line 2: (?!.*SECRET)/ }, bad);
  }
  t.same(parseHeaders('/f', '\r\n#x\nA:b\r\nAuthorization: Basic eDp5\r\n'), { a: 'b', authorization: 'Basic eDp5' });
});
