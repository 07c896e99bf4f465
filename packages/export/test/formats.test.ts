/** SINK-2, SINK-5, SINK-6: what leaves, and in what form. */
import fc from 'fast-check';
import t from 'tap';
import {
  chosenFields,
  decideBackoffMs,
  decidePlace,
  EMPTY_TRACES,
  logsBody,
  octetCounted,
  parseLine,
  syslogMessage,
  traceIdOf,
  traceRecord,
  tracesBody,
  type LogRecord,
  type Span,
  type TraceState,
} from '../src/index.js';

const LINE =
  '{"seq":4,"ts":"2026-11-20T12:00:09.000Z","event":"operation","role":"default","service":"gmail","operation":"list_messages","count":10,"result":"ok","prev":"00"}';
const record = (event: string, fields: LogRecord['fields'] = {}, seq = 4, ts = '2026-11-20T12:00:09.000Z'): LogRecord => ({
  ...{ seq, ts, event },
  fields,
});
const FORMAT = { host: 'host', fields: ['role', 'service', 'operation', 'count', 'result'] };

t.test('the example of docs/spec/sinks.md', async (t) => {
  const parsed = parseLine(LINE);
  t.ok(parsed);
  t.equal(
    syslogMessage(parsed ?? record('x'), FORMAT).toString(),
    '<110>1 2026-11-20T12:00:09.000Z host airlock - operation [airlock@32473 seq="4" role="default" service="gmail" operation="list_messages" count="10" result="ok"] operation',
  );
  t.equal(octetCounted(Buffer.from('<110>1 ä')).toString(), '9 <110>1 ä');
  t.match(syslogMessage(record('lockout'), FORMAT).toString(), /^<105>1 /);
  t.match(syslogMessage(record('access_denied'), FORMAT).toString(), /^<108>1 /);
  for (const bad of ['', '{', '[]', '{"seq":"1"}', 'null']) t.equal(parseLine(bad), null);
});

t.test('SINK-2: only what is named leaves', async (t) => {
  const secret = record('access_requested', { reason: 'SECRET', role: 'r', note: 'NOTE', deep: { reason: 'SECRET' } });
  t.same(chosenFields(secret, ['role']), [['role', 'r']]);
  t.same(
    chosenFields(secret, ['*']).map(([name]) => name),
    ['reason', 'role', 'deep'],
    'all but signed notes',
  );
  for (const text of [syslogMessage(secret, FORMAT).toString(), JSON.stringify(logsBody([secret], new Map(), FORMAT))]) {
    t.notMatch(text, /SECRET|NOTE/);
    t.match(text, '"r"'.length > 0 ? /access_requested/ : /never/);
  }
});

t.test('SINK-6: no value ends a message or starts another', async (t) => {
  const parse = (text: string): string | undefined =>
    /^<\d+>1 \S+ host airlock - \S+ (\[airlock@32473(?: [^\s="\]]+="(?:[^"\\\]]|\\["\\\]])*")*\]) \S+$/u.exec(text)?.[1];
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({ unit: 'binary', maxLength: 20 }),
      async (value, name) => {
        const text = syslogMessage(record('operation', { [name]: value, role: [value], x: { [name]: value } }), {
          host: 'host',
          fields: ['*'],
        }).toString();
        return parse(text) !== undefined && !/[\p{Cc}\u2028]/u.test(text);
      },
    ),
    { numRuns: 2000, seed: 3 },
  );
  t.equal(parse('<1>1 x host airlock - e [airlock@32473 a="b"]c"] e'), undefined, 'negative control');
  const long = syslogMessage(record('operation', { role: 'x'.repeat(9000), service: 'mail' }), FORMAT).toString();
  t.match(long, / service="mail" cut="true"\] /);
  t.ok(long.length <= 8192);
});

t.test('OTLP/HTTP JSON: 64-bit numbers are strings, ids are hexadecimal', async (t) => {
  const body = logsBody(
    [record('operation', { role: 'r', count: 3, ok: true, part: 0.5, scopes: ['a', 'b'] })],
    new Map([[4, traceIdOf('r-1')]]),
    {
      host: 'host',
      fields: ['*'],
    },
  );
  t.match(body, {
    resourceLogs: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'airlock' } }, { key: 'host.name' }] },
        scopeLogs: [
          {
            logRecords: [
              {
                timeUnixNano: '1795176009000000000',
                severityNumber: 13,
                body: { stringValue: 'operation' },
                traceId: /^[0-9a-f]{32}$/,
                attributes: [
                  { key: 'airlock.seq', value: { intValue: '4' } },
                  { key: 'event.name' },
                  { key: 'airlock.role', value: { stringValue: 'r' } },
                  { key: 'airlock.count', value: { intValue: '3' } },
                  { key: 'airlock.ok', value: { boolValue: true } },
                  { key: 'airlock.part', value: { doubleValue: 0.5 } },
                  { key: 'airlock.scopes', value: { arrayValue: { values: [{ stringValue: 'a' }, { stringValue: 'b' }] } } },
                ],
              },
            ],
          },
        ],
      },
    ],
  });
});

const STORY: readonly LogRecord[] = [
  record('access_requested', { session: 's' }, 1, '2026-11-20T12:00:00.000Z'),
  record('request_opened', { request: 'r-1', of: 1 }, 2, '2026-11-20T12:00:01.000Z'),
  record('request_fronted', { request: 'r-1' }, 3, '2026-11-20T12:00:02.000Z'),
  record('lease_issued', { request: 'r-1', lease: 'l-1' }, 4, '2026-11-20T12:00:05.000Z'),
  record('operation_allowed', { lease: 'l-1' }, 5, '2026-11-20T12:00:06.000Z'),
  record('operation', { lease: 'l-1', service: 'mail', operation: 'search', result: 'ok', of: 5 }, 6, '2026-11-20T12:00:07.000Z'),
  record(
    'operation',
    { lease: 'l-1', service: 'mail', operation: 'search', result: 'TIMEOUT', of: 99 },
    7,
    '2026-11-20T12:00:08.000Z',
  ),
  record('lease_expired', { lease: 'l-1' }, 8, '2026-11-20T12:10:00.000Z'),
  record('request_opened', { request: 'r-2' }, 9, '2026-11-20T12:11:00.000Z'),
  record('access_denied', { request: 'r-2' }, 10, '2026-11-20T12:11:09.000Z'),
];

const tell = (records: readonly LogRecord[], from: TraceState = EMPTY_TRACES): { spans: Span[]; state: TraceState } => {
  let state = from;
  const spans: Span[] = [];
  for (const one of records) {
    const step = traceRecord(state, one);
    state = step.state;
    spans.push(...step.spans);
  }
  return { spans, state };
};

t.test('SINK-5: one trace a request, from its asking to the end of its lease, the same however it is cut', async (t) => {
  const { spans, state } = tell(STORY);
  t.same(state, EMPTY_TRACES, 'nothing stays open');
  t.same(
    spans.map(({ name, isError }) => `${name}${isError ? '!' : ''}`),
    ['approval', 'mail.search', 'mail.search!', 'lease', 'request', 'approval!', 'request!'],
  );
  t.equal(new Set(spans.map(({ spanId }) => spanId)).size, spans.length, 'every span has an id of its own');
  t.equal(new Set(spans.map(({ traceId }) => traceId)).size, 2);
  const [approval, operation, , lease, root] = spans;
  t.match(root, { parentSpanId: '', startTs: '2026-11-20T12:00:00.000Z', endTs: '2026-11-20T12:10:00.000Z' });
  t.match(approval, { parentSpanId: root?.spanId, startTs: '2026-11-20T12:00:02.000Z', endTs: '2026-11-20T12:00:05.000Z' });
  t.match(operation, { parentSpanId: lease?.spanId, startTs: '2026-11-20T12:00:06.000Z' });
  for (let at = 0; at <= STORY.length; at += 1) {
    const first = tell(STORY.slice(0, at));
    const kept = JSON.parse(JSON.stringify(first.state)) as TraceState;
    t.same([...first.spans, ...tell(STORY.slice(at), kept).spans], spans, `restarted after ${at}`);
  }
  t.match(JSON.stringify(tracesBody(spans, FORMAT)), /"kind":1,"startTimeUnixNano":"\d+"/);
  let many = EMPTY_TRACES;
  for (let n = 0; n < 5000; n += 1) many = traceRecord(many, record('operation_allowed', {}, n + 1)).state;
  t.equal(Object.keys(many.operations).length, 4096, 'what never ends is bounded');
});

t.test('SINK-4: waits double up to a minute, never less than half of it, and as long as was asked for', async (t) => {
  t.same(
    [1, 2, 3, 10, 1000].map((failures) => decideBackoffMs(failures, null, 1)),
    [500, 1000, 2000, 60_000, 60_000],
  );
  t.equal(decideBackoffMs(1, null, 0), 250);
  t.equal(decideBackoffMs(1, 7000, 0), 7000);
  t.equal(decideBackoffMs(1, 1e9, 0), 60_000);
});

t.test('SINK-3: where to read on', async (t) => {
  const list = [
    { name: '2026-11-20.jsonl', bytes: 100 },
    { name: '2026-11-21.jsonl', bytes: 50 },
  ];
  t.same(decidePlace({ segment: '', offset: 0 }, list), { segment: '2026-11-20.jsonl', offset: 0 });
  t.same(decidePlace({ segment: '2026-11-20.jsonl', offset: 60 }, list), { segment: '2026-11-20.jsonl', offset: 60 });
  t.same(decidePlace({ segment: '2026-11-20.jsonl', offset: 100 }, list), { segment: '2026-11-21.jsonl', offset: 0 });
  t.same(
    decidePlace({ segment: '2026-11-19.jsonl', offset: 999 }, list),
    { segment: '2026-11-20.jsonl', offset: 0 },
    'it was removed',
  );
  t.equal(decidePlace({ segment: '2026-11-21.jsonl', offset: 50 }, list), null);
  t.equal(decidePlace({ segment: '', offset: 0 }, []), null);
});
