/**
 * Traces out of records: one for each request, from its asking to the end of its lease. Pure.
 *
 * SINK-5  ids are derived from the request and the place in the log, so what is sent twice is the same span twice.
 */
import { createHash } from 'node:crypto';
import { EXPORT_LIMITS } from './limits.js';
import type { LogRecord } from './record.js';

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: the root. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly startTs: string;
  readonly endTs: string;
  readonly isError: boolean;
  /** The record whose fields describe it. */
  readonly record: LogRecord;
}

interface OpenRequest {
  readonly startTs: string;
  readonly frontedTs?: string;
}
interface OpenLease {
  readonly request: string;
  readonly askedTs: string;
  readonly startTs: string;
}
interface OpenOperation {
  readonly startTs: string;
}

/** What is open, as JSON; kept with the position. */
export interface TraceState {
  readonly requests: Readonly<Record<string, OpenRequest>>;
  readonly leases: Readonly<Record<string, OpenLease>>;
  readonly operations: Readonly<Record<string, OpenOperation>>;
}

export const EMPTY_TRACES: TraceState = { requests: {}, leases: {}, operations: {} };

const id = (bytes: number, ...parts: readonly (string | number)[]): string =>
  createHash('sha256')
    .update(['airlock/v1/trace', ...parts].join('\n'))
    .digest('hex')
    .slice(0, bytes * 2);

export const traceIdOf = (request: string): string => id(16, request);
const spanIdOf = (request: string, what: string): string => id(8, request, what);

/** The oldest gives way: a log whose requests never end must not fill the memory. */
const bounded = <T>(all: Readonly<Record<string, T>>): Readonly<Record<string, T>> => {
  const entries = Object.entries(all);
  return entries.length <= EXPORT_LIMITS.maxOpenSpans ? all : Object.fromEntries(entries.slice(-EXPORT_LIMITS.maxOpenSpans));
};

const without = <T>(all: Readonly<Record<string, T>>, key: string): Readonly<Record<string, T>> =>
  Object.fromEntries(Object.entries(all).filter(([name]) => name !== key));

const text = (record: LogRecord, name: string): string | null => {
  const value = record.fields[name];
  return typeof value === 'string' ? value : null;
};

export interface Traced {
  readonly state: TraceState;
  readonly spans: readonly Span[];
}

const span = (request: string, what: string, startTs: string, record: LogRecord, more: Partial<Span> = {}): Span => ({
  traceId: traceIdOf(request),
  spanId: spanIdOf(request, what),
  parentSpanId: what === 'request' ? '' : spanIdOf(request, 'request'),
  name: what,
  startTs,
  endTs: record.ts,
  isError: false,
  record,
  ...more,
});

type Step = (state: TraceState, record: LogRecord) => Traced;

const nothing = (state: TraceState): Traced => ({ state, spans: [] });

const opened: Step = (state, record) => {
  const request = text(record, 'request');
  if (request === null || state.requests[request] !== undefined) return nothing(state);
  // What the agent asked for stands in a record of its own, before airlock-totp gave the request its id.
  const of = JSON.stringify(record.fields['of'] ?? '');
  const startTs = state.operations[of]?.startTs ?? record.ts;
  const requests = bounded({ ...state.requests, [request]: { startTs } });
  return { state: { ...state, requests, operations: without(state.operations, of) }, spans: [] };
};

const fronted: Step = (state, record) => {
  const request = text(record, 'request') ?? '';
  const open = state.requests[request];
  if (open === undefined) return nothing(state);
  return { state: { ...state, requests: { ...state.requests, [request]: { ...open, frontedTs: record.ts } } }, spans: [] };
};

const approvalOf = (request: string, open: OpenRequest, record: LogRecord, isError: boolean): Span =>
  span(request, 'approval', open.frontedTs ?? open.startTs, record, { isError });

const refused: Step = (state, record) => {
  const request = text(record, 'request') ?? '';
  const open = state.requests[request];
  if (open === undefined) return nothing(state);
  const spans = [approvalOf(request, open, record, true), span(request, 'request', open.startTs, record, { isError: true })];
  return { state: { ...state, requests: without(state.requests, request) }, spans };
};

const issued: Step = (state, record) => {
  const [request, lease] = [text(record, 'request') ?? '', text(record, 'lease') ?? ''];
  const open = state.requests[request];
  if (open === undefined || lease === '') return nothing(state);
  const leases = bounded({ ...state.leases, [lease]: { request, askedTs: open.startTs, startTs: record.ts } });
  return {
    state: { ...state, requests: without(state.requests, request), leases },
    spans: [approvalOf(request, open, record, false)],
  };
};

const ended: Step = (state, record) => {
  const lease = text(record, 'lease') ?? '';
  const open = state.leases[lease];
  if (open === undefined) return nothing(state);
  const spans = [span(open.request, 'lease', open.startTs, record), span(open.request, 'request', open.askedTs, record)];
  return { state: { ...state, leases: without(state.leases, lease) }, spans };
};

const began: Step = (state, record) => ({
  state: { ...state, operations: bounded({ ...state.operations, [String(record.seq)]: { startTs: record.ts } }) },
  spans: [],
});

const operated: Step = (state, record) => {
  const of = JSON.stringify(record.fields['of'] ?? '');
  const lease = state.leases[text(record, 'lease') ?? ''];
  const operations = without(state.operations, of);
  if (lease === undefined) return { state: { ...state, operations }, spans: [] };
  const startTs = state.operations[of]?.startTs ?? record.ts;
  const { request } = lease;
  const made = span(request, 'operation', startTs, record, {
    spanId: spanIdOf(request, `operation ${record.seq}`),
    parentSpanId: spanIdOf(request, 'lease'),
    name: `${text(record, 'service') ?? ''}.${text(record, 'operation') ?? ''}`,
    isError: record.fields['result'] !== 'ok',
  });
  return { state: { ...state, operations }, spans: [made] };
};

const STEPS: Readonly<Record<string, Step>> = {
  access_requested: began,
  request_opened: opened,
  request_fronted: fronted,
  access_denied: refused,
  access_expired: refused,
  lease_issued: issued,
  lease_expired: ended,
  lease_released: ended,
  lease_revoked: ended,
  operation_allowed: began,
  operation_asked: began,
  operation: operated,
};

/** What one record ends, and what is open after it. */
export const traceRecord = (state: TraceState, record: LogRecord): Traced => (STEPS[record.event] ?? nothing)(state, record);

/** The trace a record belongs to, or null. */
export const traceOf = (state: TraceState, record: LogRecord): string | null => {
  const request = text(record, 'request') ?? state.leases[text(record, 'lease') ?? '']?.request;
  return request === undefined ? null : traceIdOf(request);
};
