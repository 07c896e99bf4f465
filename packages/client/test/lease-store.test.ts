/** STORE-1 to STORE-4: what a neighbour may put in the way. */
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { leaseStore, type LeaseStore } from '../src/index.js';

const LEASE = 'al1.secret-text';

const fresh = (test: Test, uid?: number): { readonly xdg: string; readonly store: LeaseStore; readonly file: string } => {
  const xdg = mkdtempSync(join(tmpdir(), 'airlock-store-'));
  test.teardown(() => rmSync(xdg, { recursive: true, force: true }));
  const store = leaseStore({ env: { XDG_RUNTIME_DIR: xdg }, ...(uid === undefined ? {} : { uid }) });
  return { xdg, store, file: join(xdg, 'airlock/mail.lease') };
};

const modeOf = (path: string): number => statSync(path).mode & 0o777;

t.test('what was written is read; nothing there is null', (test) => {
  const { store, file } = fresh(test);
  test.equal(store.readLease('mail'), null);
  test.equal(store.readResume('mail'), null);
  store.writeLease('mail', LEASE);
  store.writeResume('mail', 'resume');
  test.equal(store.readLease('mail'), LEASE);
  test.equal(store.readResume('mail'), 'resume');
  test.equal(readFileSync(file, 'utf8'), `${LEASE}\n`);
  store.clearLease('mail');
  store.clearLease('mail');
  test.equal(store.readLease('mail'), null);
  test.equal(store.readLease('other'), null);
  test.end();
});

t.test('STORE-1: 0700 and 0600, whatever the umask', (test) => {
  const { store, file } = fresh(test);
  const before = process.umask(0);
  store.writeLease('mail', LEASE);
  process.umask(before);
  test.equal(modeOf(store.directory), 0o700);
  test.equal(modeOf(file), 0o600);
  test.end();
});

t.test('STORE-1: a file or directory open to others is refused', (test) => {
  const { store, file } = fresh(test);
  store.writeLease('mail', LEASE);
  chmodSync(file, 0o640);
  test.throws(() => store.readLease('mail'), { code: 'CONFIG_INVALID', message: /open to other users/ });
  chmodSync(file, 0o600);
  chmodSync(store.directory, 0o755);
  test.throws(() => store.readLease('mail'), { code: 'CONFIG_INVALID' });
  test.throws(() => store.writeLease('mail', LEASE), { code: 'CONFIG_INVALID' });
  test.throws(() => store.clearLease('mail'), { code: 'CONFIG_INVALID' });
  test.end();
});

t.test('STORE-1: what belongs to another user is refused', (test) => {
  const { xdg, store } = fresh(test);
  store.writeLease('mail', LEASE);
  const stranger = leaseStore({ env: { XDG_RUNTIME_DIR: xdg }, uid: 54_321 });
  test.throws(() => stranger.readLease('mail'), { code: 'CONFIG_INVALID', message: /another user/ });
  test.end();
});

t.test('STORE-2: symbolic links are refused for file and directory', (test) => {
  const { xdg, store, file } = fresh(test);
  const elsewhere = join(xdg, 'elsewhere');
  writeFileSync(elsewhere, 'al1.theirs', { mode: 0o600 });
  mkdirSync(store.directory, { mode: 0o700 });
  symlinkSync(elsewhere, file);
  test.throws(() => store.readLease('mail'), { code: 'CONFIG_INVALID', message: /symbolic link/ });
  rmSync(store.directory, { recursive: true });
  mkdirSync(join(xdg, 'dir'), { mode: 0o700 });
  symlinkSync(join(xdg, 'dir'), store.directory);
  test.throws(() => store.readLease('mail'), { code: 'CONFIG_INVALID' });
  test.throws(() => store.writeLease('mail', LEASE), { code: 'CONFIG_INVALID' });
  test.same(readdirSync(join(xdg, 'dir')), []);
  test.end();
});

t.test('STORE-2: a hard link, a FIFO and a directory are refused', (test) => {
  const { xdg, store, file } = fresh(test);
  store.writeLease('mail', LEASE);
  linkSync(file, join(xdg, 'second'));
  test.throws(() => store.readLease('mail'), { code: 'CONFIG_INVALID', message: /second name/ });
  rmSync(file);
  execFileSync('mkfifo', ['-m', '600', file]);
  test.throws(() => store.readLease('mail'), { code: 'CONFIG_INVALID', message: /no regular file/ });
  rmSync(file);
  mkdirSync(file, { mode: 0o700 });
  test.throws(() => store.readLease('mail'), { code: 'CONFIG_INVALID' });
  test.end();
});

t.test('STORE-3: writing replaces a link instead of following it, and leaves no draft', (test) => {
  const { xdg, store, file } = fresh(test);
  const victim = join(xdg, 'victim');
  writeFileSync(victim, 'precious');
  mkdirSync(store.directory, { mode: 0o700 });
  symlinkSync(victim, file);
  store.writeLease('mail', LEASE);
  test.equal(readFileSync(victim, 'utf8'), 'precious');
  test.ok(lstatSync(file).isFile());
  test.same(readdirSync(store.directory), ['mail.lease']);
  test.end();
});

t.test('STORE-4: a refusal names the remedy and not the content', (test) => {
  const { store, file } = fresh(test);
  store.writeLease('mail', LEASE);
  chmodSync(file, 0o644);
  try {
    store.readLease('mail');
    test.fail('was read');
  } catch (thrown) {
    test.match(thrown, { data: { hint: /rm -r/ } });
    test.notMatch(String(thrown), LEASE);
  }
  writeFileSync(file, 'x'.repeat(20_000), { mode: 0o600 });
  chmodSync(file, 0o600);
  test.throws(() => store.readLease('mail'), { code: 'CONFIG_INVALID', message: /longer/ });
  test.end();
});

t.test('a role that could leave the directory is refused', (test) => {
  const { store } = fresh(test);
  for (const role of ['../x', 'a/b', '', '.']) test.throws(() => store.writeLease(role, LEASE), { code: 'PARAMS_INVALID' }, role);
  test.end();
});

t.test('without XDG_RUNTIME_DIR: the home, else /tmp; two runtime directories apart', (test) => {
  const at = (env: Record<string, string>): string => leaseStore({ env, uid: 1000 }).directory;
  test.equal(at({ HOME: '/home/ada' }), '/home/ada/.local/state/airlock');
  test.equal(at({}), '/tmp/airlock-1000');
  test.equal(at({ XDG_RUNTIME_DIR: 'relative', HOME: '/home/ada' }), '/home/ada/.local/state/airlock');
  test.match(at({ HOME: '/h', AIRLOCK_RUNTIME_DIR: '/d1/run' }), /^\/h\/\.local\/state\/airlock-[0-9a-f]{12}$/);
  test.not(at({ HOME: '/h', AIRLOCK_RUNTIME_DIR: '/d1/run' }), at({ HOME: '/h', AIRLOCK_RUNTIME_DIR: '/d2/run' }));
  test.end();
});
