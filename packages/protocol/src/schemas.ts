/** Every schema by name. compile-validators.mjs turns them into code at build time, so nothing is compiled in a daemon. */
import { AGENT_SCHEMAS } from './methods/agent.js';
import { ACTION_SCHEMAS, APPROVE_SCHEMAS } from './methods/approve.js';
import { ROOT_SCHEMAS } from './methods/root.js';
import { BRIDGE_SCHEMAS } from './methods/bridge.js';
import { CELL_SCHEMAS } from './methods/cell.js';
import { OPERATOR_SCHEMAS } from './methods/operator.js';
import { PRESENCE_SCHEMAS } from './methods/presence.js';
import { bool, closed, digest, fieldName, integer, kind, MAX_LISTED, name, operation, text } from './methods/shapes.js';
import { PRESENCE_SWITCHES } from './presence.js';

const stringMap = { type: 'object', maxProperties: 64, additionalProperties: { type: 'string', maxLength: 1024 } };
/** A JSON Schema inside a manifest; the cell compiles it. */
const embeddedSchema = { type: 'object' };

const compiledConfig = closed(
  {
    v: { const: 1 },
    invalid: closed({ message: text(4096), hint: text(1024) }),
    totp: closed({ issuer: text(64), digits: { enum: [6, 7, 8] }, periodS: integer(15, 120) }),
    leases: closed({ defaultTtlS: integer(60, 86_400), maxTtlS: integer(60, 86_400), requestTtlS: integer(30, 600) }),
    permissions: closed({
      default: { const: 'read' },
      allow: { type: 'array', maxItems: 2, uniqueItems: true, items: { enum: ['use', 'write'] } },
    }),
    rules: closed(
      {
        policies: { type: 'array', maxItems: 256, items: { type: 'object' } },
        attachments: {
          type: 'object',
          maxProperties: 65,
          additionalProperties: { type: 'array', maxItems: 64, items: text(64) },
        },
        problem: text(4096),
      },
      ['problem'],
    ),
    notifications: { anyOf: [{ type: 'null' }, stringMap] },
    audit: closed(
      {
        retainDays: integer(1, 36_500),
        groupCommitMs: integer(1, 1000),
        sinks: {
          type: 'array',
          maxItems: 8,
          items: closed(
            {
              name,
              to: text(256),
              fields: { type: 'array', maxItems: 64, items: text(64) },
              traces: bool,
              headers: text(256),
              ca: text(256),
            },
            ['headers', 'ca'],
          ),
        },
      },
      ['sinks'],
    ),
    anomalies: closed({
      blockS: integer(60, 86_400),
      callsPerMinute: integer(1, 1_000_000),
      denialsPer5Minutes: integer(1, 1_000_000),
      errorsPerMinute: integer(1, 1_000_000),
      unknownIdsPer5Minutes: integer(1, 10_000),
      probedScopesPer5Minutes: integer(1, 10_000),
      codesPerHour: integer(1, 1000),
    }),
    presence: closed({
      mode: { enum: ['auto', 'required', 'off'] },
      freezeOn: { type: 'array', maxItems: 4, uniqueItems: true, items: { enum: [...PRESENCE_SWITCHES] } },
      silenceS: integer(10, 600),
    }),
    operators: { type: 'array', minItems: 1, maxItems: 32, uniqueItems: true, items: name },
    roles: { type: 'object', maxProperties: 64, propertyNames: name, additionalProperties: closed({ operator: name }) },
    isolation: { enum: ['users', 'same-user', 'none'] },
  },
  ['invalid', 'rules', 'presence'],
);

const operationManifest = closed(
  {
    name: operation,
    tool: operation,
    class: { enum: ['read', 'use', 'write'] },
    outward: bool,
    untrusted: bool,
    summary: text(1024),
    description: text(8192),
    mcp: { type: 'object' },
    constraints: { type: 'array', maxItems: 16, uniqueItems: true, items: text(32) },
    params: embeddedSchema,
    result: embeddedSchema,
    request: { type: 'object' },
  },
  ['tool', 'description', 'mcp', 'constraints', 'request'],
);

/** What a cell says that a service lists: looked at like a stranger's words. */
const listedOperations = {
  type: 'array',
  maxItems: MAX_LISTED,
  items: closed({ operation: operationManifest, hash: digest, problem: text(512) }, ['problem']),
};

const credentialField = closed(
  {
    title: text(128),
    hint: text(1024),
    strip: { const: 'spaces' },
    pattern: text(256),
    url: { type: 'string', pattern: '^https://[!-~]{1,500}$' },
    optional: { const: true },
    rotating: { const: true },
  },
  ['hint', 'strip', 'pattern', 'url', 'optional', 'rotating'],
);

const connectorManifest = closed(
  {
    connector: { const: 1 },
    kind,
    title: text(128),
    module: kind,
    summary: text(1024),
    docs: text(2048),
    codes: { const: 'shown' },
    settings: embeddedSchema,
    credential: closed(
      {
        fields: { type: 'object', maxProperties: 16, propertyNames: fieldName, additionalProperties: credentialField },
        named: closed({ title: text(128), pattern: text(256), hint: text(1024) }, ['hint']),
      },
      ['named'],
    ),
    destination: closed(
      {
        origins: { type: 'array', minItems: 1, maxItems: 8, items: text(512) },
        path: text(1024),
        program: text(1024),
        user: text(256),
        tlsPin: text(128),
      },
      ['origins', 'path', 'program', 'user', 'tlsPin'],
    ),
    remedies: {
      type: 'object',
      additionalProperties: false,
      properties: Object.fromEntries(
        ['bad_credentials', 'imap_disabled', 'no_network', 'tls', 'other'].map((found) => [found, text(512)]),
      ),
    },
    operations: { type: 'array', minItems: 1, maxItems: 512, items: operationManifest },
    listed: { const: true },
  },
  ['docs', 'codes', 'remedies', 'listed'],
);

export const SCHEMAS: Readonly<Record<string, object>> = {
  ...AGENT_SCHEMAS,
  ...APPROVE_SCHEMAS,
  ...ROOT_SCHEMAS,
  ...ACTION_SCHEMAS,
  ...OPERATOR_SCHEMAS,
  ...BRIDGE_SCHEMAS,
  ...CELL_SCHEMAS,
  ...PRESENCE_SCHEMAS,
  compiledConfig,
  connectorManifest,
  listedOperations,
};
