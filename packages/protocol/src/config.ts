/** The compiled configuration: what airlock-ctl made of airlock.yaml and what both daemons read as JSON. */
import type { Json } from './canonical.js';
import { AirlockError } from './errors.js';
import { DEFAULT_PRESENCE, type PresenceConfig } from './presence.js';
import { validate } from './validate.js';

/** How much of what is normal within its time; one more is an anomaly (docs/spec/anomalies.md). Of a session; its role may do four times as much. */
export interface AnomalyLimits {
  readonly callsPerMinute: number;
  readonly denialsPer5Minutes: number;
  readonly errorsPerMinute: number;
  readonly unknownIdsPer5Minutes: number;
  readonly probedScopesPer5Minutes: number;
  /** Of the whole role. */
  readonly codesPerHour: number;
}

export interface AnomalyConfig extends AnomalyLimits {
  /** How long a session or role stays blocked where the operator does nothing. */
  readonly blockS: number;
}

/** Who is told the record, by airlock-export (docs/spec/sinks.md). */
export interface SinkConfig {
  readonly name: string;
  /** `syslog+udp://`, `syslog+tcp://`, `syslog+unix:///` or `http(s)://` of an OTLP receiver. */
  readonly to: string;
  /** Names of the fields that leave; `*`: all but signed notes. */
  readonly fields: readonly string[];
  /** Spans too, where the receiver speaks OTLP. */
  readonly traces: boolean;
  /** File with headers that prove who tells, `NAME: VALUE` each; read by airlock-export alone, never part of this configuration. */
  readonly headers?: string;
  /** File with the certificates, PEM, that alone may vouch for the receiver. */
  readonly ca?: string;
}

/** Without the agent's own words (`reason`, `intent`) and ids of requests of others: what an operator's log needs. */
export const DEFAULT_SINK_FIELDS: readonly string[] = [
  'operator',
  'role',
  'session',
  'service',
  'operation',
  'result',
  'code',
  'count',
  'ms',
  'lease',
  'request',
  'of',
  'policy',
  'rule',
  'scopes',
  'why',
  'anomaly',
  'verb',
];

const SINK_PROTOCOLS = ['syslog+udp:', 'syslog+tcp:', 'syslog+unix:', 'http:', 'https:'];

/** Whether a receiver can be reached by this. Credentials have no place in a file that agents may read. */
export const isSinkTarget = (to: string): boolean => {
  if (to.length > 256 || !URL.canParse(to)) return false;
  const url = new URL(to);
  const isPlain = url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  const isPlace = url.protocol === 'syslog+unix:' ? url.host === '' && url.pathname.length > 1 : url.hostname !== '';
  return isPlain && isPlace && SINK_PROTOCOLS.includes(url.protocol);
};

const isLoopback = (hostname: string): boolean => /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);

/** Whether a secret may be sent there: over TLS, or without leaving this machine. */
export const mayHaveHeaders = (to: string): boolean => {
  const { protocol, hostname } = new URL(to);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
};

/** The policy files, and which roles they are attached to (docs/spec/policy.md). */
export interface CompiledPolicies {
  /** As they stand in their files, each with `file`. */
  readonly policies: readonly Readonly<Record<string, Json>>[];
  /** Role name, or `*` for every role of agents, to ids of policies. */
  readonly attachments: Readonly<Record<string, readonly string[]>>;
  /** Where a file is broken: then the set that was in force before stays in force. */
  readonly problem?: string;
}

export interface CompiledConfig {
  readonly v: 1;
  /** Set where airlock-ctl could not compile the files: the daemons start sealed and say why. */
  readonly invalid?: { readonly message: string; readonly hint: string };
  readonly totp: { readonly issuer: string; readonly digits: 6 | 7 | 8; readonly periodS: number };
  readonly leases: { readonly defaultTtlS: number; readonly maxTtlS: number; readonly requestTtlS: number };
  /** `allow`: classes beyond reading that may be asked for at all; each write still needs a code of its own where no policy says otherwise. */
  readonly permissions: { readonly default: 'read'; readonly allow: readonly ('use' | 'write')[] };
  readonly rules: CompiledPolicies;
  readonly notifications: Readonly<Record<string, string>> | null;
  readonly audit: { readonly retainDays: number; readonly groupCommitMs: number; readonly sinks?: readonly SinkConfig[] };
  readonly anomalies: AnomalyConfig;
  readonly presence: PresenceConfig;
  readonly operators: readonly string[];
  /** Role name to the operator it belongs to. */
  readonly roles: Readonly<Record<string, { readonly operator: string }>>;
  /** `same-user`: agent and operator are one Linux user; `none`: development launcher; `users`: separate users. */
  readonly isolation: 'users' | 'same-user' | 'none';
}

/** Defaults of interfaces.md. */
export const DEFAULT_CONFIG: CompiledConfig = {
  v: 1,
  totp: { issuer: 'Airlock', digits: 6, periodS: 30 },
  leases: { defaultTtlS: 3600, maxTtlS: 28_800, requestTtlS: 300 },
  permissions: { default: 'read', allow: [] },
  rules: { policies: [], attachments: {} },
  notifications: null,
  audit: { retainDays: 365, groupCommitMs: 20 },
  anomalies: {
    blockS: 900,
    callsPerMinute: 1000,
    denialsPer5Minutes: 60,
    errorsPerMinute: 100,
    unknownIdsPer5Minutes: 20,
    probedScopesPer5Minutes: 12,
    codesPerHour: 3,
  },
  presence: DEFAULT_PRESENCE,
  operators: ['default'],
  roles: { default: { operator: 'default' } },
  isolation: 'users',
};

/** File name below the configuration directory. */
export const COMPILED_CONFIG_FILE = 'compiled/config.json';

/**
 * Checks what was read from COMPILED_CONFIG_FILE.
 * @throws AirlockError CONFIG_INVALID
 */
export const parseCompiledConfig = (value: unknown): CompiledConfig => {
  const problem = validate('compiledConfig', value);
  if (problem) {
    const { field = 'the file', expected = 'another value', found = 'this' } = problem.data;
    throw new AirlockError('CONFIG_INVALID', `${COMPILED_CONFIG_FILE}: ${field}: found ${found}, allowed: ${expected}`);
  }
  // Written before there were policies, or presence.
  const config: CompiledConfig = {
    ...(value as CompiledConfig),
    rules: (value as Partial<CompiledConfig>).rules ?? DEFAULT_CONFIG.rules,
    presence: (value as Partial<CompiledConfig>).presence ?? DEFAULT_PRESENCE,
  };
  if (config.invalid) throw new AirlockError('CONFIG_INVALID', config.invalid.message, { hint: config.invalid.hint });
  return config;
};
