/** docs/spec/init.md: its example, and everything that is refused. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AirlockError } from '@airlock/protocol';
import t from 'tap';
import { parseAnswers } from '../src/init/answers.js';
import { readPrivate, trustedOwners, writePrivate } from '../src/init/private-file.js';

const page = readFileSync(new URL('../../../../docs/spec/init.md', import.meta.url), 'utf8');
const example = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '';

const refusal = (act: () => unknown): AirlockError => {
  try {
    act();
  } catch (error) {
    if (error instanceof AirlockError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};

t.test('the example of the page', async (t) => {
  t.match(parseAnswers(example, 'answers.yaml'), {
    acceptsSameUser: false,
    secret: null,
    recoveryCodesFile: '/root/airlock-recovery-codes',
    services: [
      {
        kind: 'gmail',
        name: 'gmail',
        settings: { user: 'ada@example.org' },
        credential: { password_file: '/root/gmail-app-password' },
        test: true,
        replace: false,
      },
      { kind: 'maildir', name: 'archive', settings: { path: '/srv/airlock/archive' }, credential: null },
    ],
  });
  t.match(parseAnswers(example.replace('# same_user', 'same_user'), 'f'), { acceptsSameUser: true });
  t.match(
    parseAnswers('{"init": 1, "services": [{"kind": "imap", "test": false}]}', 'f.json'),
    { services: [{ test: false }] },
    'JSON',
  );
});

t.test('INIT-1: every complaint has line, key, found and allowed, and quotes no value', async (t) => {
  for (const [text, line, field] of [
    ['init: 1\nservice: []', 2, 'service'],
    ['services: []', 1, 'init'],
    ['init: 2', 1, 'init'],
    ['init: 1\nsame_user: true', 2, 'same_user'],
    ['init: 1\nphone:\n  secret: [s3cret]', 3, 'phone.secret'],
    ['init: 1\nphone:\n  secret: s3cret\n  secret_file: s3cret', 2, 'phone'],
    ['init: 1\nphone:\n  sekret: s3cret', 3, 'sekret'],
    ['init: 1\nservices: {}', 2, 'services'],
    ['init: 1\nservices:\n  - name: s3cret', 3, 'services[0].kind'],
    ['init: 1\nservices:\n  - kind: gmail\n    credential: s3cret', 4, 'services[0].credential'],
    ['init: 1\nservices:\n  - kind: gmail\n    credential: {password: 12345678}', 4, 'services[0].credential'],
    ['init: 1\nservices:\n  - kind: gmail\n    settings: {user: [s3cret]}', 4, 'services[0].settings'],
    ['init: 1\nservices:\n  - kind: gmail\n    settngs: {}', 4, 'settngs'],
    ['init: 1\nservices:\n  - kind: a\n  - kind: a', 4, 'services.name'],
    [`init: 1\nservices:\n${'abcde'.replaceAll(/./g, '  - kind: $&\n')}`, 7, 'services'],
    ['init: 1\nphone: &p {secret: s3cret}\nservices:\n  - kind: gmail\n    credential: *p', 5, 'services[0].credential'],
    ['init: 1\ninit: 1 # s3cret', 2, 'the file'],
    ['init: 1\nphone: {secret: "s3cret', 2, 'the file'],
    ['', 1, 'the file'],
    ['- init', 1, 'the file'],
  ] as const) {
    const error = refusal(() => parseAnswers(text, 'f'));
    t.match(error, { code: 'PARAMS_INVALID', data: { field, found: /.+/, expected: /.+/, hint: /docs\/spec\/init\.md/ } }, text);
    t.match(error.message, `f: line ${line}: `, JSON.stringify(text));
    t.notMatch(JSON.stringify([error.message, error.data]), /s3cret|12345678/, 'no value is quoted');
  }
});

t.test('INIT-2: a file that others can read, a link or another user is refused, with the command that mends it', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'answers-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const file = join(dir, 'a file');
  writeFileSync(file, 'secret', { mode: 0o600 });
  const own = trustedOwners({});
  t.equal(readPrivate(file, own), 'secret', 'negative control');
  for (const mode of [0o640, 0o604, 0o620, 0o602, 0o644]) {
    chmodSync(file, mode);
    t.match(refusal(() => readPrivate(file, own)).data, { hint: `chmod 600 '${file}'` }, mode.toString(8));
  }
  chmodSync(file, 0o600);
  symlinkSync(file, join(dir, 'link'));
  t.match(refusal(() => readPrivate(join(dir, 'link'), own)).message, /symbolic link/);
  t.match(refusal(() => readPrivate(join(dir, 'none'), own)).message, /no such file/);
  t.match(refusal(() => readPrivate(dir, own)).message, /no ordinary file/);
  t.match(refusal(() => readPrivate(file, [4_000_000])).data, { hint: /chown/ });
  t.match(refusal(() => writePrivate(file, 'x')).message, /there already/);
  writePrivate(join(dir, 'new'), 'x');
  t.equal(statSync(join(dir, 'new')).mode & 0o777, 0o600);
});
