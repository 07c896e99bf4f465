/** JSON Schema pieces that several method tables share. Every object is closed. */
import { NOTICES, QUESTIONS } from '../exchange.js';
import { KIND_PATTERN, NAME_PATTERN, OPERATION_PATTERN, SERVICE_PATTERN } from '../names.js';

type Schema = Readonly<Record<string, unknown>>;

/** A closed object; `optional` names the members that may be absent. */
export const closed = (properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema => ({
  type: 'object',
  additionalProperties: false,
  required: Object.keys(properties).filter((key) => !optional.includes(key)),
  properties,
});

export const text = (maxLength: number): Schema => ({ type: 'string', minLength: 1, maxLength });
export const integer = (minimum: number, maximum: number): Schema => ({ type: 'integer', minimum, maximum });
/** Limits of a budget. */
export const callCount: Schema = integer(1, 1_000_000);
export const byteCount: Schema = integer(1, 1_000_000_000_000);
export const bool: Schema = { type: 'boolean' };
export const name: Schema = { type: 'string', pattern: NAME_PATTERN };
export const service: Schema = { type: 'string', pattern: SERVICE_PATTERN };
export const operation: Schema = { type: 'string', pattern: OPERATION_PATTERN };
export const kind: Schema = { type: 'string', pattern: KIND_PATTERN };
/** Ids of requests, leases, sessions and tickets: base64url or base32 text. */
export const id: Schema = { type: 'string', pattern: '^[A-Za-z0-9_-]{4,86}$' };
export const digest: Schema = { type: 'string', pattern: '^[0-9a-f]{64}$' };
export const scopes: Schema = { type: 'array', minItems: 1, maxItems: 16, items: text(136) };
/** Any object; its members are checked by whoever knows them. */
export const freeObject: Schema = { type: 'object', maxProperties: 64 };
export const settings: Schema = {
  type: 'object',
  maxProperties: 32,
  additionalProperties: { type: ['string', 'number', 'boolean'], maxLength: 4096 },
};
/** Names of secrets: those of a kind, environment variables and request headers. */
export const fieldName: Schema = { type: 'string', pattern: '^[A-Za-z][A-Za-z0-9_-]{0,63}$' };
export const fieldNames: Schema = { type: 'array', maxItems: 16, uniqueItems: true, items: fieldName };
/** Operations that one service may list. */
export const MAX_LISTED = 5000;
export const lease: Schema = text(8192);
export const code: Schema = { type: 'string', pattern: '^[0-9]{6,8}$' };
export const base64url: Schema = { type: 'string', pattern: '^[A-Za-z0-9_-]*$', maxLength: 131_072 };
export const sealedRecord: Schema = closed({ header: base64url, wrapped: base64url, body: base64url });
const origin = closed({ scheme: text(16), host: text(253), port: integer(1, 65_535), tlsPin: text(64) }, ['tlsPin']);
/** Destination of a service (docs/spec/vault.md): origins or a path. */
export const destination: Schema = closed(
  {
    kind,
    origins: { type: 'array', maxItems: 8, items: origin },
    path: text(4096),
    program: text(4096),
    user: { type: 'string', maxLength: 320 },
  },
  ['origins', 'path', 'program'],
);
export const nothing: Schema = closed({});
/** Name of a call in flight, and id of a question (docs/spec/exchange.md). */
export const channel: Schema = { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' };
export const exchangeMcp: Schema = closed(
  {
    revision: { enum: ['2025-11-25', '2026-07-28'] },
    capabilities: freeObject,
    meta: freeObject,
    progress: bool,
    inputResponses: freeObject,
    requestState: { type: 'string', maxLength: 262_144 },
  },
  ['capabilities', 'meta', 'progress', 'inputResponses', 'requestState'],
);
const exchangeError: Schema = closed({ code: integer(-99_999, 99_999), message: { type: 'string', maxLength: 4096 }, data: {} }, [
  'data',
]);
/** One of `result` and `error`. */
export const reply: Schema = {
  ...closed({ channel, ask: channel, result: {}, error: exchangeError }, ['result', 'error']),
  minProperties: 3,
  maxProperties: 3,
};
const eventParams: Schema = { type: 'object' };
/** EXCHANGE-4: what a service may say. */
export const notice: Schema = closed({ notify: closed({ method: { enum: [...NOTICES] }, params: eventParams }) });
/** What a service may say or ask. */
export const exchangeEvent: Schema = {
  anyOf: [notice, closed({ ask: channel, method: { enum: [...QUESTIONS] }, params: eventParams })],
};
