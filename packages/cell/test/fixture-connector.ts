/** A connector of a kind no daemon has heard of, as text that is written to a temporary folder. */
import type { ConnectorManifest, OperationManifest } from '@airlock/protocol';

export const FIXTURE_KIND = 'lighthouse';

const operation = (
  name: string,
  properties: Readonly<Record<string, object>>,
  more: Partial<OperationManifest> = {},
): OperationManifest => ({
  name,
  class: 'read',
  outward: false,
  untrusted: false,
  summary: `The operation ${name}`,
  params: { type: 'object', properties },
  result: { type: 'object' },
  ...more,
});

export const fixtureManifest: ConnectorManifest = {
  connector: 1,
  kind: FIXTURE_KIND,
  title: 'Lighthouse',
  module: 'beam',
  summary: 'A fixture',
  settings: {
    type: 'object',
    additionalProperties: false,
    required: ['host'],
    properties: { host: { type: 'string', minLength: 1 }, port: { type: 'integer', default: 8443 } },
  },
  credential: { fields: { password: { title: 'Password' } } },
  destination: { origins: ['https://{host}:{port}'], user: 'keeper' },
  operations: [
    operation('echo', { text: { type: 'string', maxLength: 100 } }),
    operation('seen', {}, { constraints: ['folder', 'since'] }),
    operation('leak', {}),
    operation('big', { chars: { type: 'integer' } }),
    operation('spin', {}),
    operation('fail', { how: { type: 'string' } }),
    operation('hang', {}),
    operation('wreck', {}, { class: 'write' }),
  ],
};

/** CommonJS, with an error class of its own, as a bundled connector has one. */
export const fixtureModule = `
'use strict';
class AirlockError extends Error {
  constructor(code, message, data) { super(message); this.name = 'AirlockError'; this.code = code; this.data = { code, ...data }; }
}
const state = { opened: 0, tested: 0 };
const encodings = (secret) => {
  const bytes = Buffer.from(secret);
  return {
    raw: 'before ' + secret + ' after',
    base64: [0, 1, 2].map((n) => Buffer.concat([Buffer.alloc(n, 0x61), bytes, Buffer.from('tail')]).toString('base64')),
    base64url: [0, 1, 2].map((n) => Buffer.concat([Buffer.alloc(n, 0xff), bytes]).toString('base64url')),
    hex: bytes.toString('hex'),
    HEX: bytes.toString('hex').toUpperCase(),
    url: 'https://x/?p=' + encodeURIComponent(secret),
    allUrl: Array.from(bytes, (b) => '%' + b.toString(16)).join(''),
    json: JSON.stringify({ p: secret }),
    nested: [{ deep: [{ [secret]: [secret] }] }],
  };
};
const fail = (how, secret) => {
  if (how === 'airlock') throw new AirlockError('UPSTREAM_REFUSED', 'refused ' + secret, { found: 'bad_credentials', hint: secret });
  if (how === 'lease') throw new AirlockError('LEASE_EXPIRED', 'over', {});
  if (how === 'unhandled') { Promise.reject(new Error(secret)); return new Promise(() => {}); }
  throw new TypeError('plain ' + secret);
};
exports.connector = {
  async open(context) {
    state.opened += 1;
    const secret = context.credential.password;
    const operations = {
      echo: (params) => ({ result: { text: params.text ?? null }, count: 1 }),
      seen: (_, { constraints }) => ({ result: { destination: context.destination, settings: context.settings, constraints, opened: state.opened }, count: 1 }),
      leak: () => ({ result: encodings(secret), count: 1 }),
      big: ({ chars }) => ({ result: { text: '\\u{1f600}'.repeat(chars / 2), small: 'kept' }, count: 1 }),
      spin: () => { for (;;); },
      fail: ({ how }) => fail(how, secret),
      hang: () => new Promise(() => {}),
      wreck: () => ({ result: 'wrecked', count: 1 }),
    };
    return { execute: async (name, params, context) => operations[name](params, context), close: async () => {} };
  },
  async test(context) {
    state.tested += 1;
    if (context.credential.password === 'wrong password') throw new AirlockError('UPSTREAM_REFUSED', 'no', { found: 'bad_credentials' });
  },
};
`;
