/** From settings to the sealed destination: canonical, and no setting moves a border. */
import t from 'tap';
import {
  destinationDigest,
  resolveDestination,
  type ConnectorManifest,
  type DestinationTemplate,
  type Settings,
} from '../src/index.js';

const manifestOf = (destination: DestinationTemplate): ConnectorManifest => ({
  connector: 1,
  kind: 'imap',
  title: 'IMAP',
  module: 'mail',
  summary: 'Reads mail',
  settings: {
    type: 'object',
    required: ['host'],
    properties: {
      host: { type: 'string', minLength: 1 },
      port: { type: 'integer', minimum: 1, maximum: 65_535, default: 993 },
      security: { enum: ['imaps', 'starttls'], default: 'imaps' },
      user: { type: 'string', default: '' },
      tlsPin: { type: 'string', default: '' },
    },
  },
  credential: { fields: {} },
  destination,
  operations: [],
});

const imap = manifestOf({ origins: ['{security}://{host}:{port}'], user: '{user}', tlsPin: '{tlsPin}' });
const url = manifestOf({ origins: ['{host}'] });
const list = manifestOf({ origins: ['{host[]}'] });
const path = manifestOf({ path: '{host}' });

t.test('defaults are filled in, and the form is canonical', async (test) => {
  const origin = { scheme: 'imaps', host: 'mail.example.org', port: 993 };
  test.same(resolveDestination(imap, { host: 'Mail.Example.ORG', user: 'ada' }), {
    kind: 'imap',
    origins: [origin],
    user: 'ada',
  });
  const same = [{ host: 'mail.example.org' }, { port: 993, host: 'MAIL.example.org', tlsPin: '' }];
  test.equal(new Set(same.map((settings) => destinationDigest(resolveDestination(imap, settings)))).size, 1);
  const pinned = resolveDestination(imap, { host: 'a', tlsPin: 'AB'.repeat(32) });
  test.match(pinned, { origins: [{ tlsPin: 'ab'.repeat(32) }] });
  for (const host of ['::1', '[::1]']) test.match(resolveDestination(imap, { host }), { origins: [{ host: '[::1]' }] });
  test.match(resolveDestination(url, { host: 'https://api.example.org/v1' }), {
    origins: [{ scheme: 'https', host: 'api.example.org', port: 443 }],
  });
  test.same(resolveDestination(path, { host: '/srv/mail/' }), { kind: 'imap', path: '/srv/mail', user: '' });
});

t.test('one setting may list several origins', async (test) => {
  const host = 'API.example.org, http://127.0.0.1:8080 ,https://[::1]:8443/';
  test.same(resolveDestination(list, { host }), {
    kind: 'imap',
    origins: [
      { scheme: 'https', host: 'api.example.org', port: 443 },
      { scheme: 'http', host: '127.0.0.1', port: 8080 },
      { scheme: 'https', host: '[::1]', port: 8443 },
    ],
    user: '',
  });
  const digest = (text: string): string => destinationDigest(resolveDestination(list, { host: text }));
  test.equal(digest('a.example,b.example'), digest('b.example, https://a.example:443'), 'their order says nothing');
  const nine = Array.from({ length: 9 }, (_, index) => `h${index}.example`).join();
  for (const wrong of [nine, 'a.example,a.example']) test.throws(() => digest(wrong), { code: 'PARAMS_INVALID' }, wrong);
});

const refused: readonly (readonly [ConnectorManifest, Settings, string])[] = [
  [imap, {}, 'params.settings.host'],
  [imap, { host: 'a', proxy: 'b' }, 'params.settings.proxy'],
  [imap, { host: 'a', port: '993' }, 'params.settings.port'],
  [imap, { host: 'a', port: 0 }, 'params.settings.port'],
  [imap, { host: 'a', security: 'none' }, 'params.settings.security'],
  [imap, { host: 'evil.example:1@a' }, 'params.settings'],
  [imap, { host: 'a/b' }, 'params.settings'],
  [imap, { host: 'a b' }, 'params.settings'],
  [imap, { host: 'a', tlsPin: 'short' }, 'params.settings'],
  [url, { host: 'https://user:word@api.example.org' }, 'params.settings'],
  [url, { host: 'gopher://a' }, 'params.settings'],
  [list, { host: ',' }, 'params.settings'],
  [list, { host: 'a.example,,b.example' }, 'params.settings'],
  [list, { host: 'a.example/v1' }, 'params.settings'],
  [list, { host: 'https://a.example/v1' }, 'params.settings'],
  [list, { host: 'a.example?b' }, 'params.settings'],
  [list, { host: 'ada@a.example' }, 'params.settings'],
  [path, { host: 'srv/mail' }, 'params.settings'],
  [path, { host: '/srv/../etc' }, 'params.settings'],
];

t.test('what gives no destination is refused and names the setting', async (test) => {
  for (const [manifest, settings, field] of refused)
    test.throws(
      () => resolveDestination(manifest, settings),
      { code: 'PARAMS_INVALID', data: { field } },
      JSON.stringify(settings),
    );
});

t.test(
  'an origin with an optional setting is there where the setting is; without it the digest is what it always was',
  (test) => {
    const settings = {
      type: 'object',
      required: ['host'],
      properties: { host: { type: 'string' }, port: { type: 'integer', default: 993 }, smtp: { type: 'string', default: '' } },
    };
    const old = manifestOf({ origins: ['imaps://{host}:{port}'], user: 'ada' });
    const one = { ...manifestOf({ origins: ['imaps://{host}:{port}', 'smtp-tls://{smtp?}:465'], user: 'ada' }), settings };
    for (const given of [{ host: 'a.example' }, { host: 'a.example', smtp: '' }])
      test.equal(
        destinationDigest(resolveDestination(one, given)),
        destinationDigest(resolveDestination(old, { host: 'a.example' })),
      );
    test.match(resolveDestination(one, { host: 'a.example', smtp: 'B.example' }), {
      origins: [
        { scheme: 'imaps', host: 'a.example' },
        { scheme: 'smtp-tls', host: 'b.example', port: 465 },
      ],
    });
    for (const smtp of ['b.example:25/', 'x@y', 'b.example:25'])
      test.throws(() => resolveDestination(one, { host: 'a', smtp }), { code: 'PARAMS_INVALID' }, smtp);
    test.end();
  },
);
