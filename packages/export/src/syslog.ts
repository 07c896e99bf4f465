/**
 * RFC 5424 messages of records; over TCP and Unix sockets with octet counting (RFC 6587 §3.4.1). Pure.
 *
 * SINK-6  no value can end a message or start another: control characters are written as `\uXXXX`, quotes escaped.
 */
import { EXPORT_LIMITS } from './limits.js';
import { chosenFields, severityOf, type LogName, type LogRecord, type Severity, type Value } from './record.js';

/** RFC 5424 §6.2.1: log audit. */
const FACILITY = 13;
/** RFC 5424 §6.2.1. */
const SEVERITIES: Readonly<Record<Severity, number>> = { alert: 1, warning: 4, info: 6 };
/** RFC 5612: a number for examples; structured data of one's own needs some number. */
const SD_ID = 'airlock@32473';

const visible = (text: string): string =>
  text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** RFC 5424 §6.3.3. */
const param = (value: Value): string => {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return visible(text.toWellFormed()).replaceAll(/["\\\]]/g, '\\$&');
};

/** RFC 5424 §6: printable ASCII, at most `max`. */
const token = (text: string, max: number): string => text.replaceAll(/[^\x21-\x7e]/g, '_').slice(0, max) || '-';
/** RFC 5424 §6.3.3: SD-NAME has no `=`, `]` and `"` either. */
const sdName = (name: string): string => token(name.replaceAll(/[=\]"]/g, '_'), 32);

export interface SyslogFormat {
  readonly log?: LogName;
  readonly host: string;
  readonly fields: readonly string[];
}

const message = (
  record: LogRecord,
  { host, log }: SyslogFormat,
  chosen: readonly (readonly [string, Value])[],
  isCut: boolean,
): string => {
  const { seq, ts, event } = record;
  const pri = FACILITY * 8 + SEVERITIES[severityOf(record)];
  const data = [['seq', seq] as const, ...chosen].map(([name, value]) => ` ${sdName(name)}="${param(value)}"`).join('');
  return `<${pri}>1 ${ts} ${token(host, 255)} ${log === 'totp' ? 'airlock-totp' : 'airlock'} - ${token(event, 32)} [${SD_ID}${data}${isCut ? ' cut="true"' : ''}] ${event}`;
};

/** One message. What is longer than a datagram loses its longest fields, and says so. */
export const syslogMessage = (record: LogRecord, format: SyslogFormat): Buffer => {
  let chosen = chosenFields(record, format.fields);
  for (let isCut = false; ; isCut = true) {
    const bytes = Buffer.from(message(record, format, chosen, isCut));
    if (bytes.length <= EXPORT_LIMITS.maxDatagramBytes || chosen.length === 0) return bytes;
    const longest = chosen.reduce((a, b) => (param(b[1]).length > param(a[1]).length ? b : a));
    chosen = chosen.filter((one) => one !== longest);
  }
};

/** RFC 6587 §3.4.1. */
export const octetCounted = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from(`${bytes.length} `), bytes]);
