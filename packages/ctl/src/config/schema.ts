/** Every key that airlock.yaml may hold, with what is allowed there: one table for checking and messages. */
import {
  DEFAULT_CONFIG,
  DEFAULT_SINK_FIELDS,
  isName,
  isSinkTarget,
  mayHaveHeaders,
  PRESENCE_SWITCHES,
  type CompiledConfig,
  type SinkConfig,
} from '@airlock/protocol';

interface Rule {
  /** What a person reads when the value is wrong. */
  readonly allowed: string;
  readonly accepts: (value: unknown) => boolean;
}

export interface Key extends Rule {
  /** What it decides; stands in airlock.yaml(5). */
  readonly about: string;
  /** What holds where the file does not say; null where nothing does. */
  readonly otherwise: string | number | null;
}

const key = (rule: Rule, otherwise: Key['otherwise'], about: string): Key => ({ ...rule, otherwise, about });

const integer = (minimum: number, maximum: number): Rule => ({
  allowed: `a whole number from ${minimum} to ${maximum}`,
  accepts: (value) => typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum,
});
const oneOf = (...values: readonly (string | number)[]): Rule => ({
  allowed: values.join(' or '),
  accepts: (value) => values.includes(value as string | number),
});
const listOf = (...values: readonly string[]): Rule => ({
  allowed: `a list of ${values.join(', ')}`,
  accepts: (found) =>
    Array.isArray(found) && new Set(found).size === found.length && found.every((one) => values.includes(one as string)),
});
const text = (maxLength: number): Rule => ({
  allowed: `a text of 1 to ${maxLength} characters without control characters or colon`,
  accepts: (value) => typeof value === 'string' && value.length >= 1 && value.length <= maxLength && !/[\p{C}:]/u.test(value),
});
const value: Rule = { allowed: 'a text', accepts: (found) => typeof found === 'string' && found.length <= 1024 };

const FIELD = /^(?:\*|[A-Za-z][A-Za-z0-9_]{0,63})$/;

type SinkText = Pick<SinkConfig, 'name' | 'to'> & Partial<SinkConfig>;

const isPath = (found: unknown): boolean => typeof found === 'string' && /^\/[^\p{C}]{1,254}$/u.test(found);

const isSink = (one: unknown): one is SinkText => {
  if (typeof one !== 'object' || one === null || Array.isArray(one)) return false;
  const { name, to, fields, traces, headers, ca, ...rest } = one as Partial<Record<keyof SinkConfig, unknown>>;
  return (
    Object.keys(rest).length === 0 &&
    typeof name === 'string' &&
    isName(name) &&
    typeof to === 'string' &&
    isSinkTarget(to) &&
    (headers === undefined || (isPath(headers) && mayHaveHeaders(to))) &&
    (ca === undefined || (isPath(ca) && to.startsWith('https:'))) &&
    (traces === undefined || typeof traces === 'boolean') &&
    (fields === undefined ||
      (Array.isArray(fields) && fields.length <= 64 && fields.every((field) => typeof field === 'string' && FIELD.test(field))))
  );
};

const sinkList: Rule = {
  allowed:
    'a list of at most 8 {name, to, fields, traces, headers, ca}, names different, to: syslog+udp://HOST:PORT, syslog+tcp://HOST:PORT, syslog+unix:///PATH or http(s)://HOST:PORT; headers: the absolute path of a file, for https:// or the loopback; ca: that of a PEM file, for https://',
  accepts: (found) =>
    Array.isArray(found) &&
    found.length <= 8 &&
    found.every(isSink) &&
    new Set(found.map(({ name }) => name)).size === found.length,
};

const sinksOf = (found: unknown): Partial<Pick<CompiledConfig['audit'], 'sinks'>> =>
  Array.isArray(found) && found.length > 0
    ? {
        sinks: (found as SinkText[]).map(({ fields = DEFAULT_SINK_FIELDS, traces = false, ...sink }) => ({
          ...sink,
          fields,
          traces,
        })),
      }
    : {};

const { totp, leases, permissions, audit, anomalies, presence } = DEFAULT_CONFIG;

const yesNo: Rule = { allowed: 'true or false', accepts: (found) => typeof found === 'boolean' };

/** Section → key → what it may be. Unknown sections and keys are errors. */
export const KEYS: Readonly<Record<string, Readonly<Record<string, Key>>>> = {
  totp: {
    issuer: key(text(64), totp.issuer, 'the name that the phone shows; used when a phone is enrolled'),
    digits: key(oneOf(6, 7, 8), totp.digits, 'digits of a code; used when a phone is enrolled'),
    period: key(integer(15, 120), totp.periodS, 'seconds that a code is new; used when a phone is enrolled'),
  },
  leases: {
    default_ttl_minutes: key(
      integer(1, 480),
      leases.defaultTtlS / 60,
      'how long a lease lives where the agent does not ask for a time',
    ),
    max_ttl_minutes: key(integer(1, 480), leases.maxTtlS / 60, 'the longest time that can be asked for or approved'),
    request_ttl_minutes: key(integer(1, 10), leases.requestTtlS / 60, 'how long a request waits for the operator'),
  },
  permissions: {
    default: key(oneOf('read'), permissions.default, 'the class of a scope that names none'),
    allow: key(
      listOf('use', 'write'),
      null,
      'classes beyond reading that may be asked for at all; every operation that writes then needs a code of its own',
    ),
  },
  notifications: {
    provider: key(oneOf('telegram', 'signal', 'ntfy', 'matrix', 'none'), null, 'where requests are announced'),
    chat_id: key(value, null, 'the chat, for a provider that has chats'),
    server: key(value, null, 'the server, for a provider that has servers'),
    topic: key(value, null, 'the topic, for ntfy'),
    room: key(value, null, 'the room, for matrix'),
  },
  anomalies: {
    block_minutes: key(
      integer(1, 1440),
      anomalies.blockS / 60,
      'how long a session or role stays blocked where the operator does nothing',
    ),
    calls_per_minute: key(integer(1, 1_000_000), anomalies.callsPerMinute, 'calls of a session in a minute'),
    denials_per_5_minutes: key(
      integer(1, 1_000_000),
      anomalies.denialsPer5Minutes,
      'calls and requests of a session that lease, policy or configuration refuse',
    ),
    errors_per_minute: key(integer(1, 1_000_000), anomalies.errorsPerMinute, 'calls of a session that fail'),
    unknown_ids_per_5_minutes: key(
      integer(1, 10_000),
      anomalies.unknownIdsPer5Minutes,
      'different ids that a session tries and that do not exist',
    ),
    probed_scopes_per_5_minutes: key(
      integer(1, 10_000),
      anomalies.probedScopesPer5Minutes,
      'different services and operations that a session tries and may not use',
    ),
    codes_per_hour: key(integer(1, 1000), anomalies.codesPerHour, 'one-time codes that a role offers'),
  },
  presence: {
    mode: key(
      oneOf('auto', 'required', 'off'),
      presence.mode,
      "auto: leases freeze for what is seen of the operator's session at a screen, and nothing where there is none; required: what cannot be seen counts as absent; off: nothing freezes",
    ),
    lock: key(yesNo, 'true', 'a locked screen freezes leases'),
    sleep: key(yesNo, 'true', 'the sleep of the machine freezes leases'),
    switch: key(yesNo, 'true', 'another session in front, or none, freezes leases'),
    idle: key(yesNo, 'true', 'a session that logind calls idle freezes leases'),
    silence_seconds: key(
      integer(10, 600),
      presence.silenceS,
      'how long airlock-presence or logind may be silent before leases freeze; with mode auto only once a session was watched',
    ),
  },
  audit: {
    retain_days: key(integer(1, 36_500), audit.retainDays, 'days for which the record is kept'),
    group_commit_ms: key(integer(1, 1000), audit.groupCommitMs, 'longest time by which records of reads are written together'),
    sinks: key(sinkList, null, 'who is told the record, by airlock-export; restart airlock-export after a change'),
  },
};

/** Key of the section `anomalies` to the member of the compiled configuration. */
const ANOMALY_MEMBERS = {
  calls_per_minute: 'callsPerMinute',
  denials_per_5_minutes: 'denialsPer5Minutes',
  errors_per_minute: 'errorsPerMinute',
  unknown_ids_per_5_minutes: 'unknownIdsPer5Minutes',
  probed_scopes_per_5_minutes: 'probedScopesPer5Minutes',
  codes_per_hour: 'codesPerHour',
} as const;
/** A section whose keys are names of roles. */
export const POLICIES_SECTION = 'policies';
export const isPolicyList = (value: unknown): value is readonly string[] =>
  Array.isArray(value) &&
  value.length <= 64 &&
  new Set(value).size === value.length &&
  value.every((one) => typeof one === 'string' && /^[a-z0-9][a-z0-9_-]{0,63}$/.test(one));

type Sections = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const number = (sections: Sections, section: string, key: string, otherwise: number): number => {
  const found = sections[section]?.[key];
  return typeof found === 'number' ? found : otherwise;
};

const anomalyLimits = (base: CompiledConfig, sections: Sections): Omit<CompiledConfig['anomalies'], 'blockS'> => {
  const limits = { ...base.anomalies };
  for (const [name, member] of Object.entries(ANOMALY_MEMBERS))
    limits[member] = number(sections, 'anomalies', name, base.anomalies[member]);
  return limits;
};

const presenceOf = ({ presence: base }: CompiledConfig, sections: Sections): CompiledConfig['presence'] => ({
  mode: (sections['presence']?.['mode'] as CompiledConfig['presence']['mode'] | undefined) ?? base.mode,
  freezeOn: PRESENCE_SWITCHES.filter((name) => {
    const found = sections['presence']?.[name];
    return typeof found === 'boolean' ? found : base.freezeOn.includes(name);
  }),
  silenceS: number(sections, 'presence', 'silence_seconds', base.silenceS),
});

/** The checked sections over the defaults. Everything in `sections` has passed KEYS. */
export const merge = (base: CompiledConfig, sections: Sections): CompiledConfig => ({
  ...base,
  totp: {
    issuer: typeof sections['totp']?.['issuer'] === 'string' ? sections['totp']['issuer'] : base.totp.issuer,
    digits: number(sections, 'totp', 'digits', base.totp.digits) as 6 | 7 | 8,
    periodS: number(sections, 'totp', 'period', base.totp.periodS),
  },
  leases: {
    defaultTtlS: number(sections, 'leases', 'default_ttl_minutes', base.leases.defaultTtlS / 60) * 60,
    maxTtlS: number(sections, 'leases', 'max_ttl_minutes', base.leases.maxTtlS / 60) * 60,
    requestTtlS: number(sections, 'leases', 'request_ttl_minutes', base.leases.requestTtlS / 60) * 60,
  },
  rules: { policies: [], attachments: (sections[POLICIES_SECTION] ?? {}) as Readonly<Record<string, readonly string[]>> },
  permissions: {
    default: 'read',
    allow: [
      ...((sections['permissions']?.['allow'] as readonly ('use' | 'write')[] | undefined) ?? base.permissions.allow),
    ].sort(),
  },
  notifications: (sections['notifications'] as Readonly<Record<string, string>> | undefined) ?? base.notifications,
  anomalies: {
    blockS: number(sections, 'anomalies', 'block_minutes', base.anomalies.blockS / 60) * 60,
    ...anomalyLimits(base, sections),
  },
  presence: presenceOf(base, sections),
  audit: {
    retainDays: number(sections, 'audit', 'retain_days', base.audit.retainDays),
    groupCommitMs: number(sections, 'audit', 'group_commit_ms', base.audit.groupCommitMs),
    ...sinksOf(sections['audit']?.['sinks']),
  },
});
