/** State that is not what this daemon wrote: damaged, replaced, of somebody else. It is refused by name, and stays as it is. */
import { linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { packBlobs } from '@airlock/protocol';
import { decodeArchive, encodeArchive, keptOf, type Archive } from '../src/backup/archive.js';
import { applyPending, type Opening } from '../src/backup/pending.js';
import { emptyState } from '../src/queue/state.js';
import { StateDirectory } from '../src/state/directory.js';
import { readState, writeState } from '../src/state/snapshot.js';
import { currentSecret, decodeSecrets, encodeSecrets, readSecrets, type EnrolmentSecrets } from '../src/state/secrets.js';
import { nodeStateFs } from '../src/state/state-fs.js';
import { openWrappingKey, wrapBytes } from '../src/state/wrapping.js';

const W = Buffer.alloc(32, 7);
const SECRETS: EnrolmentSecrets = {
  ...{ vaultId: 'v1', root: Buffer.alloc(32, 1), firstEpoch: 2, totp: [Buffer.alloc(20, 2)], recovery: ['00'] },
};
const problem = (run: () => unknown): string => {
  try {
    run();
    return 'none';
  } catch (thrown) {
    const { code = '', message } = thrown as { code?: string; message: string };
    return `${code} ${message}`.replace(/\S*\//g, '');
  }
};
const openIn = (t: Test, options: object = {}): { path: string; directory: StateDirectory } => {
  const path = join(t.testdir(), 'state');
  mkdirSync(path, { mode: 0o700 });
  return { path, directory: new StateDirectory({ path, ...options }) };
};

t.test('STATE-1: what is no file of its own is refused by name, and nothing of it is read', (t) => {
  const { path, directory } = openIn(t);
  const put = (name: string): string => {
    writeFileSync(join(path, name), 'x', { mode: 0o600 });
    return join(path, name);
  };
  linkSync(put('linked'), join(path, 'other'));
  mkdirSync(join(path, 'folder'), { mode: 0o700 });
  symlinkSync(put('target'), join(path, 'link'));
  truncateSync(put('huge'), 16 * 1024 * 1024 + 1);
  put('fine');
  const read = (name: string): string => problem(() => directory.read(name));
  t.equal(read('linked'), 'VAULT_UNREADABLE linked: has more than one name');
  t.equal(read('folder'), 'VAULT_UNREADABLE folder: is of another type');
  t.equal(read('link'), 'VAULT_UNREADABLE link: cannot be opened (ELOOP)');
  t.equal(read('huge'), 'VAULT_UNREADABLE huge: is too large');
  t.equal(read('fine'), 'none', 'negative control');
  t.equal(directory.read('none'), null);
  const uid = process.getuid?.() ?? 0;
  t.equal(
    problem(() => new StateDirectory({ path, uid: uid + 1 })),
    `VAULT_UNREADABLE state: belongs to uid ${uid}, expected ${uid + 1}`,
  );
  t.equal(
    problem(() => new StateDirectory({ path: join(path, 'fine') })).replace(/\(.*/, ''),
    'VAULT_UNREADABLE fine: cannot be opened as a directory ',
  );
  t.end();
});

t.test('STATE-3: a file that ends while it is read is refused', (t) => {
  const { path, directory } = openIn(t, { fs: { ...nodeStateFs, read: () => 0 } });
  writeFileSync(join(path, 'a'), 'x', { mode: 0o600 });
  t.equal(
    problem(() => directory.read('a')),
    'VAULT_UNREADABLE a: ended early',
  );
  t.end();
});

t.test('STATE-4: a disk that takes nothing more leaves the file as it was, even where nothing can be removed', (t) => {
  let isFull = false;
  const refuse = (): never => {
    throw Object.assign(new Error('read-only'), { code: 'EROFS' });
  };
  const fs = {
    ...nodeStateFs,
    write: (fd: number, bytes: Uint8Array, offset: number) => (isFull ? 0 : nodeStateFs.write(fd, bytes, offset)),
    unlink: (name: string) => (isFull ? refuse() : nodeStateFs.unlink(name)),
  };
  const { path, directory } = openIn(t, { fs });
  directory.write('a', Buffer.from('before'));
  isFull = true;
  t.equal(
    problem(() => directory.write('a', Buffer.from('after'))),
    'VAULT_UNREADABLE a: cannot be written (unknown error)',
  );
  t.equal(
    problem(() => directory.remove('a')),
    'VAULT_UNREADABLE a: cannot be removed (EROFS)',
  );
  t.equal(readFileSync(join(path, 'a'), 'utf8'), 'before');
  isFull = false;
  directory.remove('a');
  directory.remove('a');
  t.notOk(readdirSync(path).includes('a'));
  t.end();
});

const meta = (value: unknown, ...secrets: readonly Buffer[]): Buffer =>
  packBlobs(Buffer.of(secrets.length), Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)), ...secrets);
const enrolled = (value: unknown, count = 1): Buffer =>
  packBlobs(
    Buffer.of(count),
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
    ...Array.from({ length: count + 1 }, (_, n) => Buffer.alloc(32, n)),
  );

t.test('secrets of another form are none, and what opens and makes no sense is named', (t) => {
  const good = { v: 1, vaultId: 'v1', recovery: [] };
  t.match(decodeSecrets(enrolled(good)), { vaultId: 'v1', firstEpoch: 0 });
  t.match(decodeSecrets(enrolled({ ...good, v: 2, first: 4 }, 2)), { firstEpoch: 4 });
  const others: readonly unknown[] = [
    '{',
    null,
    { ...good, first: 1 },
    { ...good, v: 2 },
    { ...good, v: 3 },
    { v: 1, vaultId: 'x' },
  ];
  for (const other of others) t.equal(decodeSecrets(enrolled(other)), null, JSON.stringify(other));
  t.equal(decodeSecrets(Buffer.alloc(0)), null);
  t.equal(decodeSecrets(Buffer.of(0)), null);
  t.equal(decodeSecrets(enrolled(good, 0)), null, 'no secret approves');
  t.throws(() => currentSecret({ ...SECRETS, totp: [] }), /without a secret/);
  const { directory } = openIn(t);
  directory.write('ada.secret', wrapBytes(W, 'ada.secret', enrolled('{')));
  t.equal(
    problem(() => readSecrets(directory, W, 'ada')),
    'VAULT_UNREADABLE ada.secret: is of another form',
  );
  directory.write('bob.secret', wrapBytes(W, 'ada.secret', encodeSecrets(SECRETS)));
  t.equal(
    problem(() => readSecrets(directory, W, 'bob')),
    'VAULT_UNREADABLE bob.secret: does not open with the wrapping key',
    'the file of another operator in its place',
  );
  t.end();
});

t.test('an archive of a backup is whole or none', (t) => {
  const archive: Archive = {
    ...{
      madeMs: 1,
      generation: 2,
      heads: { 'airlock-totp': null, 'airlock-gateway': null },
      keys: { 'airlock-totp': '', 'airlock-gateway': '' },
    },
    operators: [{ operator: 'ada', state: keptOf(emptyState('boot')), secrets: SECRETS }],
  };
  t.match(decodeArchive(encodeArchive(archive)), { generation: 2, operators: [{ operator: 'ada' }] });
  const operators = [{ operator: 'ada', state: keptOf(emptyState('boot')) }];
  for (const value of ['{', null, { v: 2, operators }, { v: 1, operators: 'ada' }, { v: 1, operators: [] }])
    t.equal(decodeArchive(meta(value, encodeSecrets(SECRETS))), null, JSON.stringify(value));
  t.equal(decodeArchive(meta({ v: 1, operators }, Buffer.from('no secrets'))), null);
  t.equal(decodeArchive(Buffer.alloc(0)), null);
  t.end();
});

t.test('BACKUP-5: a decided restore that does not open stops the start, and stays', (t) => {
  const { path, directory } = openIn(t);
  const opening = { directory, wrappingKey: W } as unknown as Opening;
  t.equal(
    problem(() => applyPending(opening)),
    'none',
    'nothing was decided',
  );
  for (const [key, plain] of [
    [Buffer.alloc(32, 9), Buffer.alloc(40)],
    [W, Buffer.alloc(40)],
  ] as const) {
    directory.write('restore.pending', wrapBytes(key, 'restore.pending', plain));
    t.equal(
      problem(() => applyPending(opening)),
      'VAULT_UNREADABLE restore.pending: does not open with the wrapping key',
    );
    t.ok(readdirSync(path).includes('restore.pending'));
  }
  t.end();
});

t.test('the wrapping key comes from the unit where it has one, of 32 bytes, else from the state', (t) => {
  const { path, directory } = openIn(t);
  const credentials = join(path, 'credentials');
  mkdirSync(credentials);
  const own = openWrappingKey(directory, undefined);
  t.equal(own.length, 32);
  t.same(openWrappingKey(directory, credentials), own, 'a unit without the credential');
  writeFileSync(join(credentials, 'airlock-wrap'), W);
  t.same(openWrappingKey(directory, credentials), W);
  writeFileSync(join(credentials, 'airlock-wrap'), 'short');
  t.equal(
    problem(() => openWrappingKey(directory, credentials)),
    'VAULT_UNREADABLE airlock-wrap: has 5 bytes, expected 32',
  );
  directory.write('wrap.key', Buffer.alloc(31));
  t.equal(
    problem(() => openWrappingKey(directory, undefined)),
    'VAULT_UNREADABLE wrap.key: has 31 bytes, expected 32',
  );
  t.end();
});

t.test('a state of another form or with another digest is damaged, not empty', (t) => {
  const { directory } = openIn(t);
  t.equal(readState(directory, 'ada'), null);
  writeState(directory, 'ada', emptyState('boot'));
  const whole = directory.read('ada.state')?.toString() ?? '';
  t.match(readState(directory, 'ada'), { bootId: 'boot' }, 'negative control');
  for (const text of ['{', 'null', whole.replace('"v":1', '"v":2'), '{"v":1,"state":"x"}', whole.replace('boot', 'root')]) {
    directory.write('ada.state', Buffer.from(text));
    t.equal(
      problem(() => readState(directory, 'ada')),
      'VAULT_UNREADABLE ada.state: is damaged',
      text.slice(0, 40),
    );
  }
  t.end();
});
