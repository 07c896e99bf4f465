import t from 'tap';
import {
  AirlockError,
  canonicalDestination,
  type Destination,
  destinationDigest,
  formatDestination,
  formatOrigin,
  parseOrigin,
  parsePathOrigin,
} from '../src/index.js';

const codeOf = (action: () => unknown): string | null => {
  try {
    action();
    return null;
  } catch (thrown) {
    return thrown instanceof AirlockError ? thrown.code : 'another error';
  }
};
const imap = parseOrigin('imaps://imap.example.org:993');
const smtp = parseOrigin('smtps://smtp.example.org:465');
const mail: Destination = { kind: 'imap', origins: [imap, smtp], user: 'ada@example.org' };

t.test('origins have one form', async (t) => {
  t.same(imap, { scheme: 'imaps', host: 'imap.example.org', port: 993 });
  for (const text of ['imaps://10.0.0.1:993', 'https://[::1]:443', 'http://localhost:80'])
    t.equal(formatOrigin(parseOrigin(text)), text);
  const hosts = [
    'imaps://IMAP.example.org:993',
    'imaps://0x7f.1:993',
    'imaps://１.1.1.1:993',
    'imaps://[0::1]:993',
    'imaps://bücher.example:993',
  ];
  const forms = [
    'imaps://h',
    'imaps://h:0',
    'imaps://h:65536',
    'imaps://h:0993',
    'imaps://h:993/',
    'imaps://u@h:993',
    'imaps://h:993?x',
    'imaps://h/p:993',
    '//h:1',
  ];
  for (const text of [...hosts, ...forms, '', 'IMAPS://h:993', 'imaps://:993', 'imaps://h h:993', 'imaps://h\n:993'])
    t.equal(
      codeOf(() => parseOrigin(text)),
      'PARAMS_INVALID',
      JSON.stringify(text),
    );
  t.equal(
    codeOf(() => parseOrigin('imaps://h:993', 'AB')),
    'PARAMS_INVALID',
  );
});

t.test('paths have one form', async (t) => {
  t.equal(parsePathOrigin('file:///srv/mail'), '/srv/mail');
  t.equal(parsePathOrigin('file:///srv/my%20mail'), '/srv/my mail');
  const bad = [
    'file:///srv/../etc',
    'file:///srv/',
    'file:///srv//mail',
    'file://host/srv',
    'file:srv',
    'file:///srv%2e',
    'file:///a%00b',
    'file:///a%zz',
    '/srv',
    '',
  ];
  for (const text of [...bad, 'file:///%2e%2e/etc'])
    t.equal(
      codeOf(() => parsePathOrigin(text)),
      'PARAMS_INVALID',
      text,
    );
});

t.test('VAULT-9 the order of origins does not count, everything else does', async (t) => {
  const digest = destinationDigest(mail);
  t.match(digest, /^[0-9a-f]{64}$/);
  t.equal(destinationDigest({ ...mail, origins: [smtp, imap] }), digest);
  const others: Destination[] = [
    { ...mail, user: 'eve@example.org' },
    { ...mail, kind: 'jmap' },
    { ...mail, origins: [imap] },
    { ...mail, origins: [{ ...imap, port: 994 }, smtp] },
    { ...mail, origins: [{ ...imap, host: 'imap.example.com' }, smtp] },
    { ...mail, origins: [{ ...imap, scheme: 'imap' }, smtp] },
    { ...mail, origins: [{ ...imap, tlsPin: 'a'.repeat(64) }, smtp] },
    { kind: 'imap', path: '/srv', user: 'ada@example.org' },
  ];
  for (const other of others) t.not(destinationDigest(other), digest, formatDestination(other));
});

t.test('what has no canonical form has no digest', async (t) => {
  const bad: Destination[] = [
    { ...mail, kind: 'IMAP' },
    { ...mail, user: 'a\nb' },
    { ...mail, user: 'x'.repeat(321) },
    { ...mail, user: '\ud800' },
    { ...mail, origins: [] },
    { ...mail, origins: [imap, imap] },
    { ...mail, origins: [imap, { ...imap, tlsPin: 'a'.repeat(64) }] },
    { ...mail, origins: [{ ...imap, host: 'IMAP.example.org' }] },
    { ...mail, origins: [{ ...imap, port: 1.5 }] },
    { kind: 'maildir', path: 'srv', user: '' },
    { kind: 'maildir', path: '/srv/../etc', user: '' },
    { kind: 'maildir', path: '/srv/\u0007', user: '' },
    { ...mail, path: '/srv' },
  ];
  for (const destination of bad)
    t.equal(
      codeOf(() => destinationDigest(destination)),
      'PARAMS_INVALID',
      JSON.stringify(destination),
    );
  const further = { ...mail, note: 1 } as Destination;
  t.same(canonicalDestination(further), mail, 'unknown members are not sealed');
});

t.test('people read it', async (t) => {
  t.equal(formatDestination({ ...mail, origins: [imap] }), 'imaps://imap.example.org:993 as ada@example.org');
  t.equal(formatDestination({ kind: 'maildir', path: '/srv/mail', user: '' }), 'file:///srv/mail');
});
