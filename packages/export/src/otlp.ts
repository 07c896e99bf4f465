/** OTLP/HTTP in its JSON encoding (opentelemetry.io/docs/specs/otlp): logs and spans out of records. Pure. */
import { chosenFields, severityOf, type LogName, type LogRecord, type Severity, type Value } from './record.js';
import type { Span } from './traces.js';

/** OTLP logs data model, "Severity Fields". */
const SEVERITIES: Readonly<Record<Severity, { readonly number: number; readonly text: string }>> = {
  info: { number: 9, text: 'INFO' },
  warning: { number: 13, text: 'WARN' },
  alert: { number: 21, text: 'FATAL' },
};

interface AnyValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string;
  readonly doubleValue?: number;
  readonly arrayValue?: { readonly values: readonly AnyValue[] };
}
interface Attribute {
  readonly key: string;
  readonly value: AnyValue;
}

/** proto3 JSON: 64-bit integers are strings. */
const anyValue = (value: Value): AnyValue => {
  // A string of protobuf is UTF-8: a lone surrogate would have a whole batch refused.
  if (typeof value === 'string') return { stringValue: value.toWellFormed() };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  if (Array.isArray(value)) return { arrayValue: { values: (value as readonly Value[]).map(anyValue) } };
  return { stringValue: JSON.stringify(value) };
};

const attribute = (key: string, value: Value): Attribute => ({ key: key.toWellFormed(), value: anyValue(value) });

const nanos = (ts: string): string => `${Date.parse(ts)}000000`;

const attributesOf = (record: LogRecord, fields: readonly string[]): Attribute[] => [
  attribute('airlock.seq', record.seq),
  attribute('event.name', record.event),
  ...chosenFields(record, fields).map(([name, value]) => attribute(`airlock.${name}`, value)),
];

export interface OtlpFormat {
  readonly log?: LogName;
  readonly host: string;
  readonly fields: readonly string[];
}

const resource = ({ host, log = 'gateway' }: OtlpFormat): object => ({
  attributes: [attribute('service.name', 'airlock'), attribute('host.name', host), attribute('airlock.log', log)],
});
const scope = { name: 'airlock.record', version: '1' };

/** Body of POST /v1/logs. @param traces trace ids by `seq` */
export const logsBody = (records: readonly LogRecord[], traces: ReadonlyMap<number, string>, format: OtlpFormat): object => {
  const { fields } = format;
  const logRecords = records.map((record) => {
    const severity = SEVERITIES[severityOf(record)];
    const traceId = traces.get(record.seq);
    return {
      timeUnixNano: nanos(record.ts),
      observedTimeUnixNano: nanos(record.ts),
      severityNumber: severity.number,
      severityText: severity.text,
      body: { stringValue: record.event },
      attributes: attributesOf(record, fields),
      ...(traceId === undefined ? {} : { traceId }),
    };
  });
  return { resourceLogs: [{ resource: resource(format), scopeLogs: [{ scope, logRecords }] }] };
};

/** Body of POST /v1/traces. */
export const tracesBody = (spans: readonly Span[], format: OtlpFormat): object => ({
  resourceSpans: [
    {
      resource: resource(format),
      scopeSpans: [
        {
          scope,
          spans: spans.map(({ traceId, spanId, parentSpanId, name, startTs, endTs, isError, record }) => ({
            traceId,
            spanId,
            ...(parentSpanId === '' ? {} : { parentSpanId }),
            name,
            // SPAN_KIND_INTERNAL
            kind: 1,
            startTimeUnixNano: nanos(startTs),
            endTimeUnixNano: nanos(endTs),
            attributes: attributesOf(record, format.fields),
            // STATUS_CODE_OK, STATUS_CODE_ERROR
            status: { code: isError ? 2 : 1 },
          })),
        },
      ],
    },
  ],
});
