/**
 * Bodies of OTLP/HTTP JSON, checked by the published definitions: opentelemetry-proto v1 (common, resource, logs and trace
 * .proto) with the JSON mapping of proto3 as OTLP narrows it: ids in hexadecimal, enums as numbers, names in lowerCamelCase.
 */
type Check = (value: unknown, path: string) => readonly string[];

const wrong = (path: string, expected: string, value: unknown): readonly string[] => [
  `${path}: expected ${expected}, found ${(value === undefined ? 'nothing' : JSON.stringify(value)).slice(0, 60)}`,
];
const matches =
  (expected: string, accepts: (value: unknown) => boolean): Check =>
  (value, path) =>
    accepts(value) ? [] : wrong(path, expected, value);

const MAX_UINT64 = 2n ** 64n - 1n;
const MAX_INT64 = 2n ** 63n - 1n;
const bigBetween =
  (low: bigint, high: bigint) =>
  (value: unknown): boolean =>
    typeof value === 'string' && /^-?(0|[1-9]\d{0,19})$/.test(value) && BigInt(value) >= low && BigInt(value) <= high;

const string = matches('a string of valid Unicode', (value) => typeof value === 'string' && value.isWellFormed());
const bool = matches('a boolean', (value) => typeof value === 'boolean');
const double = matches('a number', (value) => typeof value === 'number' && Number.isFinite(value));
const uint32 = matches('a 32-bit number', (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 32);
const fixed64 = matches('a 64-bit number as a decimal string', bigBetween(0n, MAX_UINT64));
const int64 = matches('a signed 64-bit number as a decimal string', bigBetween(-MAX_INT64 - 1n, MAX_INT64));
const hex = (bytes: number): Check =>
  matches(
    `${bytes} bytes in hexadecimal, not all zero`,
    (value) => typeof value === 'string' && new RegExp(`^[0-9a-f]{${2 * bytes}}$`).test(value) && !/^0+$/.test(value),
  );
const enumeration = (last: number): Check =>
  matches(`a number of 0 to ${last}`, (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= last);

const list =
  (each: Check): Check =>
  (value, path) =>
    Array.isArray(value) ? value.flatMap((one, at) => each(one, `${path}[${at}]`)) : wrong(path, 'an array', value);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const message =
  (fields: Readonly<Record<string, Check>>, required: readonly string[] = []): Check =>
  (value, path) => {
    if (!isObject(value)) return wrong(path, 'an object', value);
    const missing = required.filter((name) => value[name] === undefined).map((name) => `${path}.${name}: is missing`);
    const found = Object.entries(value).flatMap(([name, one]) =>
      fields[name] === undefined ? [`${path}.${name}: there is no such field`] : fields[name](one, `${path}.${name}`),
    );
    return [...missing, ...found];
  };

/** `oneof value`. */
const anyValue: Check = (value, path) => {
  const found = message({
    stringValue: string,
    boolValue: bool,
    intValue: int64,
    doubleValue: double,
    arrayValue: message({ values: list(anyValue) }),
    kvlistValue: message({ values: list(keyValue) }),
    bytesValue: string,
  })(value, path);
  const isOne = isObject(value) && Object.keys(value).length <= 1;
  return isOne ? found : [...found, `${path}: more than one of a oneof`];
};
const keyValue: Check = message({ key: string, value: anyValue }, ['key', 'value']);

/** Keys of attributes must be unique. */
const attributes: Check = (value, path) => {
  const keys = Array.isArray(value) ? value.map((one) => (one as { readonly key?: unknown }).key) : [];
  const twice = keys.filter((key, at) => keys.indexOf(key) !== at).map((key) => `${path}: ${String(key)} stands twice`);
  return [...list(keyValue)(value, path), ...twice];
};

const resource = message({ attributes, droppedAttributesCount: uint32 });
const scope = message({ name: string, version: string, attributes, droppedAttributesCount: uint32 });

/** SeverityNumber goes to 24. */
const logRecord = message(
  {
    timeUnixNano: fixed64,
    observedTimeUnixNano: fixed64,
    severityNumber: enumeration(24),
    severityText: string,
    body: anyValue,
    attributes,
    droppedAttributesCount: uint32,
    flags: uint32,
    traceId: hex(16),
    spanId: hex(8),
    eventName: string,
  },
  ['timeUnixNano', 'body'],
);

const status = message({ message: string, code: enumeration(2) });
const span: Check = (value, path) => {
  const found = message(
    {
      traceId: hex(16),
      spanId: hex(8),
      traceState: string,
      parentSpanId: hex(8),
      flags: uint32,
      name: string,
      kind: enumeration(5),
      startTimeUnixNano: fixed64,
      endTimeUnixNano: fixed64,
      attributes,
      droppedAttributesCount: uint32,
      events: list(message({ timeUnixNano: fixed64, name: string, attributes })),
      links: list(message({ traceId: hex(16), spanId: hex(8), attributes })),
      status,
    },
    ['traceId', 'spanId', 'name', 'kind', 'startTimeUnixNano', 'endTimeUnixNano'],
  )(value, path);
  const { name, startTimeUnixNano, endTimeUnixNano } = value as Readonly<Record<string, string>>;
  const isBackwards = BigInt(startTimeUnixNano ?? 0) > BigInt(endTimeUnixNano ?? 0);
  return [
    ...found,
    ...(name === '' ? [`${path}.name: is empty`] : []),
    ...(isBackwards ? [`${path}: ends before it starts`] : []),
  ];
};

/** Body of `/v1/logs`: ExportLogsServiceRequest. @returns what is wrong with it, path by path */
export const logsProblems = (body: unknown): readonly string[] =>
  message(
    {
      resourceLogs: list(
        message({
          resource,
          scopeLogs: list(message({ scope, logRecords: list(logRecord), schemaUrl: string })),
          schemaUrl: string,
        }),
      ),
    },
    ['resourceLogs'],
  )(body, 'body');

/** Body of `/v1/traces`: ExportTraceServiceRequest. */
export const tracesProblems = (body: unknown): readonly string[] =>
  message(
    {
      resourceSpans: list(
        message({ resource, scopeSpans: list(message({ scope, spans: list(span), schemaUrl: string })), schemaUrl: string }),
      ),
    },
    ['resourceSpans'],
  )(body, 'body');
