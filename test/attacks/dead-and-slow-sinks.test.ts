// Attack: receivers of the record that are dead, slow, refusing or lying. SINK-1, SINK-4, SINK-7.
// The real program over the real socket; receivers that speak true OTLP/HTTP JSON and octet-counted syslog.
import { addMailbox, checkout, obtainLease, openSession, startTestInstance, until, type Running } from '@airlock/testkit';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttp, type Server as HttpServer } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';

interface LogRecordJson {
  readonly attributes: readonly {
    readonly key: string;
    readonly value: { readonly intValue?: string; readonly stringValue?: string };
  }[];
}
interface SpanJson {
  readonly traceId: string;
  readonly spanId: string;
  readonly name: string;
}

/** What the OTLP receiver answers with; null: it never answers. */
const mood: { status: number | null } = { status: 200 };
const otlp = { seqs: [] as number[], totp: [] as number[], spans: [] as SpanJson[], posts: 0, text: '' };
const syslog = { text: '', sockets: new Set<Socket>() };

const seqOf = ({ attributes }: LogRecordJson): number =>
  Number(attributes.find(({ key }) => key === 'airlock.seq')?.value.intValue);

const otlpServer = (): HttpServer =>
  createHttp((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      otlp.posts += 1;
      if (mood.status === null) return;
      if (mood.status === 200) {
        otlp.text += body;
        const value = JSON.parse(body) as {
          resourceLogs?: { resource: LogRecordJson; scopeLogs: { logRecords: LogRecordJson[] }[] }[];
          resourceSpans?: { scopeSpans: { spans: SpanJson[] }[] }[];
        };
        for (const { resource, scopeLogs } of value.resourceLogs ?? []) {
          const isTotp = resource.attributes.some(({ key, value: of }) => key === 'airlock.log' && of.stringValue === 'totp');
          for (const { logRecords } of scopeLogs) (isTotp ? otlp.totp : otlp.seqs).push(...logRecords.map(seqOf));
        }
        for (const { scopeSpans } of value.resourceSpans ?? []) for (const { spans } of scopeSpans) otlp.spans.push(...spans);
      }
      response.writeHead(mood.status, { 'content-type': 'application/json', 'retry-after': '1' }).end('{"partialSuccess":{}}');
    });
  });

const syslogServer = (): Server =>
  createServer((socket) => {
    syslog.sockets.add(socket);
    socket.setEncoding('utf8').on('data', (text: string) => (syslog.text += text));
    socket.on('error', () => undefined);
    socket.on('close', () => syslog.sockets.delete(socket));
  });

const listen = (server: Server | HttpServer, port = 0): Promise<number> =>
  new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));

const http = otlpServer();
let tcp = syslogServer();
let tcpPort = 0;
let running: Running;
let exporter: ChildProcess | null = null;
let said = '';
const startExporter = (): void => {
  exporter = spawn(process.execPath, [join(checkout, 'dist/lib/airlock-export.cjs')], {
    env: { PATH: process.env['PATH'], ...running.env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  exporter.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
};

t.before(async () => {
  const httpPort = await listen(http);
  tcpPort = await listen(tcp);
  const config = mkdtempSync(join(tmpdir(), 'airlock-config-'));
  writeFileSync(
    join(config, 'airlock.yaml'),
    [
      'audit:',
      '  sinks:',
      `    - {name: otel, to: "http://127.0.0.1:${httpPort}", traces: true, fields: [role, service, operation, result, lease, request]}`,
      `    - {name: siem, to: "syslog+tcp://127.0.0.1:${tcpPort}"}`,
      '    - {name: nobody, to: "syslog+tcp://127.0.0.1:1"}',
    ].join('\n'),
  );
  running = await startTestInstance({ config });
  await addMailbox(running);
  startExporter();
});
t.teardown(async () => {
  exporter?.kill('SIGKILL');
  http.close();
  http.closeAllConnections();
  tcp.close();
  for (const socket of syslog.sockets) socket.destroy();
  await running.stop();
});

const logSeqs = (daemon = 'gateway'): number[] => {
  const dir = join(running.env['AIRLOCK_STATE_DIR'] ?? '', daemon, 'audit');
  return readdirSync(dir)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(join(dir, name), 'utf8').split('\n').slice(0, -1))
    .map((line) => (JSON.parse(line) as { seq: number }).seq);
};
const syslogSeqs = (app = 'airlock'): number[] =>
  [...syslog.text.matchAll(new RegExp(` ${app} - \\S+ \\[airlock@32473 seq="(\\d+)"`, 'g'))].map(([, seq]) => Number(seq));

const hasAll = (told: readonly number[], daemon = 'gateway'): boolean => {
  const known = new Set(told);
  return logSeqs(daemon).every((seq) => known.has(seq));
};
const bothHaveAll = async (): Promise<void> => {
  await until('both receivers have every record', async () => hasAll(otlp.seqs) && hasAll(syslogSeqs()), 60_000);
  const totp = async (): Promise<boolean> => hasAll(otlp.totp, 'totp') && hasAll(syslogSeqs('airlock-totp'), 'totp');
  await until('and every record of airlock-totp', totp, 60_000);
};

/** A lease, four calls, its end; @returns the longest of the calls */
const work = async (): Promise<number> => {
  const agent = await openSession(running);
  const { lease } = await obtainLease(running, agent, ['mail:read'], { intent: 'words of the agent' });
  let longest = 0;
  for (let n = 0; n < 4; n += 1) {
    const began = performance.now();
    const context = { intent: 'words of the agent' };
    await agent.call('call', { lease, service: 'mail', operation: 'count_unread', params: {}, context });
    longest = Math.max(longest, performance.now() - began);
  }
  await agent.call('access.release', { lease });
  agent.close();
  return longest;
};

t.test('negative control: everything arrives, in order, in both forms, with nothing that was not named', async (t) => {
  await work();
  await bothHaveAll();
  const once = otlp.seqs.filter((seq, at) => otlp.seqs.indexOf(seq) === at);
  t.same(
    once,
    [...once].sort((a, b) => a - b),
  );
  t.notMatch(otlp.text + syslog.text, /words of the agent/, 'SINK-2');
  await until('the spans of a request', async () =>
    ['approval', 'lease', 'request', 'mail.count_unread'].every((name) => otlp.spans.some((one) => one.name === name)),
  );
  t.equal(new Set(otlp.spans.map(({ traceId }) => traceId)).size, 1, 'one trace for one request');
});

t.test('SINK-1: refused, unanswered, cut off and killed: nothing is lost, nobody waits', async (t) => {
  mood.status = 503;
  const refused = otlp.posts;
  t.ok((await work()) < 2000, 'calls do not wait for a receiver that refuses');
  await until('it was refused', async () => otlp.posts > refused);
  mood.status = null;
  tcp.close();
  for (const socket of syslog.sockets) socket.destroy();
  t.ok((await work()) < 2000, 'nor for one that is silent or gone');
  exporter?.kill('SIGKILL');
  t.ok((await work()) < 2000, 'nor for the exporter itself');
  mood.status = 200;
  http.closeAllConnections();
  tcp = syslogServer();
  await listen(tcp, tcpPort);
  startExporter();
  await bothHaveAll();
  const traces = (): number => new Set(otlp.spans.map(({ traceId }) => traceId)).size;
  // Spans have a post of their own, behind that of the records.
  await until('each request has its trace', async () => traces() === 4, 30_000);
  const spans = new Map(otlp.spans.map((one) => [one.spanId, JSON.stringify(one)]));
  t.equal(new Set(otlp.spans.map((one) => JSON.stringify(one))).size, spans.size, 'SINK-5: what was told twice is the same span');
  t.equal(traces(), 4);
  t.match(said, /nobody: waits, nothing is lost: ECONNREFUSED/);
});

t.test('SINK-1: a receiver that dies right after it took something is told it again', async (t) => {
  const twice = (): number => syslogSeqs().length - new Set(syslogSeqs()).size;
  await work();
  await until('it has taken it', async () => hasAll(syslogSeqs()));
  const before = twice();
  for (const socket of syslog.sockets) socket.resetAndDestroy();
  await until('the last of it comes again', async () => twice() > before, 30_000);
  await bothHaveAll();
  t.ok(twice() > before);
});

t.test(
  'SINK-1: airlock-export is killed again and again while it tells: nothing is lost, and little is told twice',
  async (t) => {
    const before = otlp.seqs.length;
    const records = logSeqs().length;
    let kills = 0;
    for (let round = 0; round < 6; round += 1) {
      const busy = work();
      const posts = otlp.posts;
      // At a moment that differs from round to round: before it connects, at its first post, after several.
      await until('it is at work', async () => round === 0 || otlp.posts >= posts + (round % 3));
      exporter?.kill('SIGKILL');
      kills += 1;
      await busy;
      startExporter();
    }
    await bothHaveAll();
    const twice = otlp.seqs.length - before - (logSeqs().length - records);
    t.ok(twice <= kills * 256, `at most a batch for each kill: ${twice}`);
    const firsts = otlp.seqs.filter((seq, at) => otlp.seqs.indexOf(seq) === at);
    t.same(
      firsts,
      [...firsts].sort((a, b) => a - b),
      'in order still',
    );
  },
);

t.test('SINK-7: export.sock answers what reads the two logs, and nothing else', async (t) => {
  const answers = await new Promise<string>((resolve) => {
    const socket = connect(running.sockets['export'] ?? join(running.env['AIRLOCK_RUNTIME_DIR'] ?? '', 'export.sock'));
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    socket.on('close', () => resolve(text));
    for (const method of [
      'status',
      'service.list',
      'audit.query',
      'access.request',
      'hello',
      'policy.apply',
      'head.sign',
      'log.segments',
      'totp.segments',
    ])
      socket.write(`${JSON.stringify({ jsonrpc: '2.0', id: method, method, params: {} })}\n`);
    socket.end();
  });
  const found = answers
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as { id: string; result?: object; error?: object });
  t.same(
    found.filter(({ result }) => result !== undefined).map(({ id }) => id),
    ['log.segments', 'totp.segments'],
  );
});
