/**
 * A record as a sink tells it: what the configuration names, and nothing else.
 *
 * SINK-2  no field leaves that the sink's `fields` does not name; `seq`, time and event always do.
 */

export type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value };

/** Whose log it is: airlock-gateway's, or that of airlock-totp, which the gateway passes on. */
export type LogName = 'gateway' | 'totp';
export const LOGS: readonly LogName[] = ['gateway', 'totp'];

export interface LogRecord {
  readonly seq: number;
  readonly ts: string;
  readonly event: string;
  readonly fields: Readonly<Record<string, Value>>;
}

const FRAME = new Set(['seq', 'ts', 'event', 'prev']);

/** AUDIT-1. */
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** A line of the log; null where it is none. */
export const parseLine = (line: string): LogRecord | null => {
  try {
    const value = JSON.parse(line) as Record<string, Value>;
    const { seq, ts, event } = value;
    if (!Number.isSafeInteger(seq) || typeof ts !== 'string' || typeof event !== 'string') return null;
    if (!INSTANT.test(ts) || Number.isNaN(Date.parse(ts))) return null;
    return {
      seq: seq as number,
      ts,
      event,
      fields: Object.fromEntries(Object.entries(value).filter(([name]) => !FRAME.has(name))),
    };
  } catch {
    return null;
  }
};

/** SINK-2. `*` names every field but signed notes. */
export const chosenFields = (record: LogRecord, fields: readonly string[]): [string, Value][] =>
  Object.entries(record.fields).filter(([name]) => fields.includes(name) || (fields.includes('*') && name !== 'note'));

export type Severity = 'info' | 'warning' | 'alert';

const ALERTS = new Set([
  'sealed',
  'log_cut',
  'lockout',
  'locked',
  'audit_mismatch',
  'log_accepted',
  'log_begun',
  'protocol_violation',
]);
const WARNINGS = new Set(['operation_refused', 'access_denied', 'blocked', 'tainted', 'code_rejected']);

export const severityOf = ({ event, fields }: LogRecord): Severity => {
  if (ALERTS.has(event)) return 'alert';
  const failed = event === 'operation' && fields['result'] !== 'ok';
  return failed || WARNINGS.has(event) ? 'warning' : 'info';
};
