/** An OTLP/HTTP receiver: a batch counts when it was answered with 200. */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { EXPORT_LIMITS } from './limits.js';
import { logsBody, tracesBody, type OtlpFormat } from './otlp.js';
import type { LogRecord } from './record.js';
import { NotDelivered, type Sink } from './sink.js';
import { traceOf, traceRecord, type Span, type TraceState } from './traces.js';

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
}

/** Redirects are not followed: what stands in the configuration is who gets the record. */
const post = (base: URL, path: string, body: object): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const bytes = Buffer.from(JSON.stringify(body));
    const url = new URL(`${base.pathname.replace(/\/$/, '')}${path}`, base);
    const ask = url.protocol === 'https:' ? requestHttps : requestHttp;
    const headers = { 'content-type': 'application/json', 'content-length': bytes.length };
    const asked = ask(url, { method: 'POST', headers, signal: AbortSignal.timeout(EXPORT_LIMITS.timeoutMs) }, (answer) => {
      let read = 0;
      answer.on('data', (chunk: Buffer) => {
        read += chunk.length;
        if (read > EXPORT_LIMITS.maxAnswerBytes) answer.destroy(new Error('the answer is too long'));
      });
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, retryAfter: answer.headers['retry-after'] }));
    });
    asked.on('error', reject);
    asked.end(bytes);
  });

const retryAfterMs = (text: string | undefined): number | null =>
  text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) * 1000 : null;

/** @throws NotDelivered for everything but 200 */
const deliver = async (base: URL, path: string, body: object): Promise<void> => {
  let answer: Answer;
  try {
    answer = await post(base, path, body);
  } catch (thrown) {
    throw new NotDelivered((thrown as NodeJS.ErrnoException).code ?? (thrown as Error).message);
  }
  if (answer.status !== 200)
    throw new NotDelivered(`${path} was answered with ${answer.status}`, retryAfterMs(answer.retryAfter));
};

interface Batch {
  readonly state: TraceState;
  readonly spans: readonly Span[];
  readonly traces: ReadonlyMap<number, string>;
}

/** What a batch means for the traces; before it counts, nothing of it is kept. */
const traced = (records: readonly LogRecord[], before: TraceState): Batch => {
  const spans: Span[] = [];
  const traces = new Map<number, string>();
  let state = before;
  for (const record of records) {
    const found = traceOf(state, record);
    const step = traceRecord(state, record);
    state = step.state;
    spans.push(...step.spans);
    const trace = found ?? traceOf(state, record);
    if (trace !== null) traces.set(record.seq, trace);
  }
  return { state, spans, traces };
};

export const otlpSink = (base: URL, withTraces: boolean, format: OtlpFormat): Sink => ({
  settleMs: 0,
  deliver: async (records, before) => {
    const { state, spans, traces } = traced(records, before);
    await deliver(base, '/v1/logs', logsBody(records, traces, format));
    if (withTraces && spans.length > 0) await deliver(base, '/v1/traces', tracesBody(spans, format));
    return state;
  },
  isBroken: () => false,
  close: () => undefined,
});
