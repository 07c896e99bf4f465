/** Texts of approval, shape by shape: nothing that is approved is left out, however it is built. */
import t from 'tap';
import type { Action, Destination, Json, RegisteredLease } from '@airlock/protocol';
import { actionSummary, actionText } from '../src/text/action-text.js';
import { limitLines } from '../src/text/limit-words.js';
import { operationText } from '../src/text/operation-text.js';
import { changeLines, type Asked, type Present } from '../src/text/renewal-text.js';

const linesOf = (action: Action): string[] =>
  actionText({ id: 'r-p4d8ws2h6k', operator: 'default', action, match: '52' })
    .split('\n')
    .slice(4, -1)
    .map((line) => line.trim());

const STORED = { service: 'mail', kind: 'imap', fields: ['password'], test: false };
const add = (destination: Destination): Action => ({ verb: 'credentials.add', params: { ...STORED, destination } });

t.test('each place of a credential is named, with the certificate that is pinned and the program that gets it', (t) => {
  const pinned = { scheme: 'imaps', host: 'a.example', port: 993, tlsPin: 'sha256/abc' };
  const program = JSON.stringify({ argv: ['/usr/bin/tool', '--serve me'], env: { HOME: '/x y' } });
  const cases: readonly (readonly [Destination, readonly string[]])[] = [
    [
      { kind: 'imap', user: '', origins: [pinned, { scheme: 'smtp', host: 'b.example', port: 25 }] },
      ['to       imaps://a.example:993 (TLS pin sha256/abc)', 'smtp://b.example:25'],
    ],
    [{ kind: 'maildir', user: 'ada', path: '/var/mail' }, ['to       path "/var/mail" as ada']],
    [{ kind: 'noop', user: '', origins: [] }, ['to       nowhere']],
    [
      { kind: 'mcp', user: '', origins: [], program },
      ['to       program "/usr/bin/tool" "--serve me"', 'with HOME="/x y"', 'network: none'],
    ],
    [
      { kind: 'mcp', user: '', origins: [], program: JSON.stringify({ argv: ['/usr/bin/tool'], env: {} }) },
      ['to       program "/usr/bin/tool"', 'network: none'],
    ],
  ];
  for (const [destination, expected] of cases) {
    const lines = linesOf(add(destination));
    t.same(lines.slice(2, 2 + expected.length), expected);
    t.equal(lines.at(-1), 'test     none: stored without trying');
  }
  t.end();
});

t.test('the text of every action says what it is about, and its line in a list is its first words', (t) => {
  const digest = 'sha256:1';
  const cases: readonly (readonly [Action, readonly string[], string])[] = [
    [
      { verb: 'credentials.get', params: { service: 'mail', fields: [] } },
      ['service  mail', 'secrets  none (shown in the clear)'],
      'show a credential on this terminal: mail',
    ],
    [
      { verb: 'credentials.remove', params: { service: 'mail', fields: ['a', 'b c'] } },
      ['service  mail', 'secrets  a, "b c" (removed for good)'],
      'remove a credential: mail',
    ],
    [
      { verb: 'restore', params: { made: '2026-01-01', digest } },
      ['made     2026-01-01', `content  ${digest}`],
      'restore a backup: phone, services and credentials of now are replaced',
    ],
    [
      { verb: 'service.accept', params: { service: 'up', changes: ['+ one', '- "two"\n'], digest: 'ab' } },
      ['service  up', 'changes  + one', '- \\"two\\"\\u{A}', 'list     ab'],
      'let agents use the operations that a service lists now: up',
    ],
    [
      { verb: 'policy.apply', params: { changes: ['+ allow'], digest: 'ab' } },
      ['changes  + allow', 'rules    ab'],
      'let agents do more: apply changed policies',
    ],
    [
      { verb: 'rotate', params: {} },
      ['leases   those that live now go on until their own end'],
      'change the keys of leases and of credentials',
    ],
    [
      { verb: 'rotate', params: { endLeases: true } },
      ['leases   every lease that lives now ends, of all operators'],
      'change the keys of leases and of credentials',
    ],
    [{ verb: 'service.test', params: { service: 'a b' } }, ['service  "a b"'], 'log in to a service once, and out again: "a b"'],
    [{ verb: 'unlock', params: {} }, [], 'unlock: leases that were frozen work again'],
    [
      { verb: 'unblock', params: { role: 'a b' } },
      ['role     "a b"', 'session  all of the role'],
      'let an agent go on that was blocked: "a b"',
    ],
    [
      { verb: 'grant', params: { role: 'default', scopes: ['mail:read'], ttlS: 90, calls: 3, bytes: 500 } },
      [
        'role     default',
        'access   mail:read',
        'for      90 s from approval, whenever it is claimed',
        'intent   none',
        'limits   at most 3 calls',
        'at most 500 bytes of results',
      ],
      'grant default: mail:read for 90 s',
    ],
  ];
  for (const [action, expected, summary] of cases) {
    t.same(linesOf(action), expected, action.verb);
    t.equal(actionSummary(action), summary);
  }
  t.end();
});

t.test('settings of a service are shown in order of their names, texts in quotes', (t) => {
  const destination: Destination = { kind: 'noop', user: '', origins: [] };
  const of = (settings: Record<string, string | number | boolean>): string[] =>
    linesOf({ verb: 'service.add', params: { ...STORED, destination, settings } }).filter((_line, at) => at > 2);
  t.same(of({ z: 'a"b', a: 3, m: false }).slice(0, 3), ['settings a = 3', 'm = false', 'z = "a\\"b"']);
  t.equal(of({})[0], 'settings none');
  t.end();
});

const operationLines = (params: Record<string, Json>): string[] => {
  const facts = { id: 'r-1', role: 'default', session: 's-1', lease: 'l1', service: 'mail', operation: 'send', class: 'write' };
  const lines = operationText({ ...facts, match: '07', params }).split('\n');
  const first = lines.findIndex((line) => line.startsWith('  with'));
  return lines
    .slice(
      first,
      lines.findIndex((line) => line.startsWith('  lease')),
    )
    .map((line) => line.slice(11));
};

t.test('OPERATION-2: every value of every shape is shown with its path, in order', (t) => {
  t.same(operationLines({}), ['nothing']);
  t.same(operationLines({ z: null, a: 1.5, 'odd key': true, list: [], map: {} }), [
    'a = 1.5',
    'list = []',
    'map = {}',
    '"odd key" = true',
    'z = null',
  ]);
  t.same(operationLines({ deep: { b: [1, { 'x.y': 'two\nlines' }], a: 'one' } }), [
    'deep.a = "one"',
    'deep.b[0] = 1',
    'deep.b[1]."x.y", line 1 of 2 = "two"',
    'deep.b[1]."x.y", line 2 of 2 = "lines"',
  ]);
  t.end();
});

t.test('a limit of an unusual form is shown as it is, and none is left out', (t) => {
  t.same(limitLines({ since: '2026-01-01', before: '2026-02-01', maxRisk: 250, senders: ['a"b'] }, null), [
    'only before 2026-02-01',
    'only results of a risk up to 0.250',
    'only mail from "a\\"b"',
    'nothing before 2026-01-01',
  ]);
  t.same(limitLines({ since: 5, maxResults: 'many', folders: [], other: { a: 1 } }, { bytes: 9 }), [
    'folders = []',
    'maxResults = \\"many\\"',
    'other = {\\"a\\":1}',
    'since = 5',
    'at most 9 bytes of results',
  ]);
  t.end();
});

t.test('RENEW-1: limits that come, go and change are lines of their own', (t) => {
  const present = {
    ...{ id: 'l1', scopes: ['mail:read'], intent: null, issuedMs: 0, expiresMs: 60_000, budget: { calls: 2 } },
    constraints: { maxResults: 5, folders: ['INBOX'], since: '2026-01-01' },
  } as unknown as RegisteredLease;
  const asked = {
    ...{ scopes: ['mail:read'], intent: null, ttlS: 60, budget: { calls: 2 } },
    constraints: { maxResults: 6, folders: ['INBOX'], before: '2026-02-01' },
  } as unknown as Asked;
  const lines = changeLines(present as Present, asked).map(({ value }) => value);
  t.same(lines, [
    '+ limit before = \\"2026-02-01\\"',
    '+ limit maxResults = 6',
    '- limit maxResults = 5',
    '- limit since = \\"2026-01-01\\"',
    'at most 2 calls, counted from the start again',
    'nothing else changes',
  ]);
  t.same(
    changeLines(present as Present, { ...asked, constraints: present.constraints, budget: null }).map(({ value }) => value),
    ['any number of calls, before at most 2 calls', 'nothing else changes'],
  );
  t.end();
});
