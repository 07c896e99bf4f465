import { AirlockError, type ConnectorManifest } from '@airlock/protocol';
import t from 'tap';
import { cleanValue, fieldNames } from '../src/setup/fields.js';
import { missingSettings, parseSettings } from '../src/settings.js';

const manifest: ConnectorManifest = {
  connector: 1,
  kind: 'imap',
  title: 'IMAP',
  module: 'mail',
  summary: 'a mailbox',
  settings: {
    type: 'object',
    additionalProperties: false,
    required: ['host', 'user'],
    properties: {
      host: { type: 'string' },
      user: { type: 'string' },
      port: { type: 'integer', default: 993 },
      strict: { type: 'boolean' },
    },
  },
  credential: {
    fields: { password: { title: 'App password', strip: 'spaces', pattern: '^[a-z]{16}$', hint: 'make one at your provider' } },
  },
  destination: { origins: ['imaps://{host}:{port}'], user: '{user}' },
  operations: [],
};

const refusal = (run: () => unknown): AirlockError => {
  try {
    run();
  } catch (error) {
    if (error instanceof AirlockError) return error;
  }
  throw new Error('nothing was refused');
};

t.test('settings take the type their schema says', async (t) => {
  t.same(parseSettings(manifest, ['host=mail.example', 'port=143', 'strict=true', 'user=a=b']), {
    host: 'mail.example',
    port: 143,
    strict: true,
    user: 'a=b',
  });
});

t.test('a wrong setting names itself, what was found and what is allowed', async (t) => {
  t.match(refusal(() => parseSettings(manifest, ['hots=x'])).data, {
    code: 'PARAMS_INVALID',
    field: '--set hots',
    expected: /host, user, port, strict/,
  });
  t.match(refusal(() => parseSettings(manifest, ['port=12a'])).data, { expected: 'a whole number', found: '12a' });
  t.match(refusal(() => parseSettings(manifest, ['strict=yes'])).data, { expected: 'true or false' });
  t.match(refusal(() => parseSettings(manifest, ['host'])).data, { found: 'no value' });
  t.match(refusal(() => parseSettings(manifest, ['__proto__=1'])).data, { found: 'an unknown setting' });
});

t.test('required settings without a default are missed, others are not', async (t) => {
  t.same(missingSettings(manifest, { host: 'x' }), ['user']);
});

t.test('a pasted app password loses its spaces; a wrong one is refused without being quoted', async (t) => {
  const field = manifest.credential.fields['password'] ?? { title: '' };
  t.equal(cleanValue('password', field, 'abcd efgh ijkl mnop\t'), 'abcdefghijklmnop');
  const error = refusal(() => cleanValue('password', field, 'hunter2hunter2'));
  t.notMatch(JSON.stringify([error.message, error.data]), 'hunter2');
  t.match(error.data, { found: /14 characters/, hint: 'make one at your provider' });
  t.match(refusal(() => cleanValue('password', field, '  ')).data, { found: 'nothing' });
});

t.test('only the fields of the kind can be named', async (t) => {
  t.same(fieldNames(manifest, []), ['password']);
  t.match(refusal(() => fieldNames(manifest, ['token'])).data, { expected: 'password', found: 'an unknown field' });
});
