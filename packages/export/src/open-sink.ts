/** From a sink of the configuration to a receiver. */
import { AirlockError, type SinkConfig } from '@airlock/protocol';
import { hostname } from 'node:os';
import { OtlpSink } from './otlp-sink.js';
import type { LogName } from './record.js';
import type { Sink } from './sink.js';
import { streamSink, udpSink } from './syslog-sink.js';

/** RFC 5426 §3.3 and RFC 6587. */
const SYSLOG_PORT = 514;

/** @throws AirlockError CONFIG_INVALID: what the compiler of the configuration would not have let through */
export const openSink = (sink: SinkConfig, report: (message: string) => void, log: LogName = 'gateway'): Sink => {
  const { to, fields, traces, headers, ca } = sink;
  const url = new URL(to);
  const format = { host: hostname(), fields, log };
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? SYSLOG_PORT : Number(url.port);
  switch (url.protocol) {
    case 'http:':
    case 'https:':
      // A trace is made of the gateway's records; those of airlock-totp name it.
      return new OtlpSink({ base: url, headers, ca }, traces && log === 'gateway', format, report);
    case 'syslog+udp:':
      return udpSink(host, port, format);
    case 'syslog+tcp:':
      return streamSink({ host, port }, format);
    case 'syslog+unix:':
      return streamSink({ path: decodeURIComponent(url.pathname) }, format);
    default:
      throw new AirlockError('CONFIG_INVALID', `audit.sinks: ${to} is no receiver`);
  }
};
