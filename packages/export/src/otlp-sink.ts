/**
 * An OTLP/HTTP receiver: a batch counts when it was answered with 200.
 *
 * SINK-8  a record that is refused as such holds up nothing: it is told alone, then bare, and in the end left out.
 */
import { EXPORT_LIMITS } from './limits.js';
import { logsBody, tracesBody, type OtlpFormat } from './otlp.js';
import { deliver, Refused, type OtlpTarget } from './otlp-post.js';
import type { LogRecord } from './record.js';
import type { Sink } from './sink.js';
import { traceOf, traceRecord, type Span, type TraceState } from './traces.js';

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

/** Nothing but that it is there: number, time and event. */
const bareRecord = (record: LogRecord): LogRecord => ({ ...record, fields: {} });
const bareSpan = (span: Span): Span => ({ ...span, record: bareRecord(span.record) });

type Send<T> = (some: readonly T[]) => Promise<void>;

/** Counts how often a thing of the batch was refused even bare. */
class Patience {
  readonly #counts = new Map<string, number>();

  refused(key: string): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** Whether it is left out, however often the batch is told anew. */
  isOver(key: string): boolean {
    return (this.#counts.get(key) ?? 0) >= EXPORT_LIMITS.maxRefusals;
  }

  /** The batch was received. */
  end(): void {
    this.#counts.clear();
  }
}

export class OtlpSink implements Sink {
  readonly settleMs = 0;
  readonly #target: OtlpTarget;
  readonly #withTraces: boolean;
  readonly #format: OtlpFormat;
  readonly #report: (message: string) => void;
  readonly #patience = new Patience();

  constructor(target: OtlpTarget, withTraces: boolean, format: OtlpFormat, report: (message: string) => void) {
    this.#target = target;
    this.#withTraces = withTraces;
    this.#format = format;
    this.#report = report;
  }

  async deliver(records: readonly LogRecord[], before: TraceState): Promise<TraceState> {
    const { state, spans, traces } = traced(records, before);
    const sendRecords: Send<LogRecord> = (some) => this.#post('/v1/logs', logsBody(some, traces, this.#format));
    await this.#tellWanted(records, sendRecords, bareRecord, ({ seq }) => `record ${seq}`);
    const sendSpans: Send<Span> = (some) => this.#post('/v1/traces', tracesBody(some, this.#format));
    if (this.#withTraces) await this.#tellWanted(spans, sendSpans, bareSpan, ({ spanId }) => `span ${spanId}`);
    this.#patience.end();
    return state;
  }

  isBroken(): boolean {
    return false;
  }

  close(): void {
    // Connections end by themselves.
  }

  async #post(path: string, body: object): Promise<void> {
    const leftOut = await deliver(this.#target, path, body);
    if (leftOut !== null) this.#report(leftOut);
  }

  /** All but what is left out by now. @throws NotDelivered */
  async #tellWanted<T>(all: readonly T[], send: Send<T>, bare: (one: T) => T, name: (one: T) => string): Promise<void> {
    const wanted = all.filter((one) => !this.#patience.isOver(name(one)));
    if (wanted.length > 0) await this.#tell(wanted, send, bare, name);
  }

  /** Halves until it is known which one is refused. @throws NotDelivered */
  async #tell<T>(all: readonly T[], send: Send<T>, bare: (one: T) => T, name: (one: T) => string): Promise<void> {
    try {
      return await send(all);
    } catch (thrown) {
      if (!(thrown instanceof Refused)) throw thrown;
      const [one] = all;
      if (one !== undefined && all.length === 1) return await this.#tellBare(bare(one), send, name(one));
      const middle = Math.ceil(all.length / 2);
      await this.#tell(all.slice(0, middle), send, bare, name);
      await this.#tell(all.slice(middle), send, bare, name);
    }
  }

  async #tellBare<T>(one: T, send: Send<T>, name: string): Promise<void> {
    try {
      await send([one]);
      this.#report(`refuses ${name}; told without its fields`);
    } catch (thrown) {
      if (thrown instanceof Refused) this.#patience.refused(name);
      if (!(thrown instanceof Refused) || !this.#patience.isOver(name)) throw thrown;
      this.#report(`refuses ${name} even without its fields; LEFT OUT, it stands in the record alone`);
    }
  }
}
