/** Sinks of the record, for tests; the program is main.ts. */
export { decideBackoffMs } from './backoff.js';
export { openSink } from './open-sink.js';
export { parseRetryAfter, partialSuccess } from './otlp-post.js';
export { parseHeaders, readHeaders } from './secret-files.js';
export { Source } from './source.js';
export { logsBody, tracesBody } from './otlp.js';
export { readPosition, START, writePosition, type Position } from './position.js';
export { chosenFields, parseLine, type LogRecord } from './record.js';
export { Runner, type RunnerOptions } from './runner.js';
export { NotDelivered, type Sink } from './sink.js';
export { decidePlace, type Batch } from './source.js';
export { octetCounted, syslogMessage } from './syslog.js';
export { EMPTY_TRACES, traceIdOf, traceRecord, type Span, type TraceState } from './traces.js';
