/** Files of the state, as an attacker, a full disk or a kill leaves them. STATE-1 to STATE-3. */
import { AirlockError, DEFAULT_CONFIG } from '@airlock/protocol';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { GATEWAY_LIMITS } from '../src/limits.js';
import { loadConfig } from '../src/state/config.js';
import { ensureDirectory, listDirectory, readListedFile, readPrivateFile, writeDurable } from '../src/state/files.js';
import { LedgerFile } from '../src/state/ledger-file.js';

const refusalOf = (work: () => unknown): string => {
  try {
    work();
    return 'none';
  } catch (thrown) {
    return thrown instanceof AirlockError ? `${thrown.code}: ${thrown.message}` : String(thrown);
  }
};
/** Somebody else runs this process, so that everything here is a stranger's. */
const asStranger = <T>(work: () => T): T => {
  const { getuid } = process;
  process.getuid = () => statSync('.').uid + 4711;
  try {
    return work();
  } finally {
    if (getuid !== undefined) process.getuid = getuid;
  }
};

t.test('STATE-1, STATE-2: a file that is not ours alone is not read', (t) => {
  const dir = t.testdir({ mine: 'text', open: 'text', twice: 'text', large: '', folder: {} });
  const path = (name: string): string => join(dir, name);
  const read = (name: string): string => refusalOf(() => readPrivateFile(path(name)));
  for (const name of ['mine', 'open', 'twice', 'large']) chmodSync(path(name), 0o600);
  chmodSync(path('open'), 0o620);
  linkSync(path('twice'), path('second'));
  symlinkSync(path('mine'), path('link'));
  truncateSync(path('large'), GATEWAY_LIMITS.maxStateFileBytes + 1);
  t.equal(readPrivateFile(path('mine')), 'text', 'negative control');
  t.match(
    asStranger(() => read('mine')),
    /^VAULT_UNREADABLE: .* belongs to user \d+$/,
  );
  t.match(read('open'), /^VAULT_UNREADABLE: .* can be written by others/);
  t.match(read('twice'), /^VAULT_UNREADABLE: .* has a second name/);
  t.match(read('link'), /^VAULT_UNREADABLE: .* is a symbolic link/);
  t.match(read('large'), /^VAULT_UNREADABLE: .* is larger than any file of ours/);
  t.match(read('folder'), /^VAULT_UNREADABLE: .* is no regular file/);
  t.match(read('mine/below'), /^VAULT_UNREADABLE: .* cannot be opened \(ENOTDIR\)/);
  t.end();
});

t.test('a file that is not there is none, unless it was listed a moment ago', (t) => {
  const path = join(t.testdir({}), 'gone.json');
  t.equal(readPrivateFile(path), null);
  t.match(
    refusalOf(() => readListedFile(path)),
    /^VAULT_UNREADABLE: .*gone\.json vanished/,
  );
  writeFileSync(path, 'text', { mode: 0o600 });
  t.equal(readListedFile(path), 'text');
  t.end();
});

t.test('STATE-1, STATE-2: a directory that is none, a link, or a stranger is not used', (t) => {
  const dir = t.testdir({ file: 'text', mine: {}, open: {} });
  const ensure = (name: string): string => refusalOf(() => ensureDirectory(join(dir, name)));
  symlinkSync(join(dir, 'mine'), join(dir, 'link'));
  chmodSync(join(dir, 'open'), 0o777);
  t.equal(ensure('mine'), 'none', 'negative control');
  t.equal(ensure('new'), 'none');
  t.equal(statSync(join(dir, 'new')).mode & 0o777, 0o700);
  t.match(ensure('file'), /^VAULT_UNREADABLE: .* cannot be opened/);
  t.match(ensure('link'), /^VAULT_UNREADABLE: .* (cannot be opened|is a symbolic link)/);
  t.match(ensure('open'), /^VAULT_UNREADABLE: .* can be written by others/);
  t.match(ensure('missing/below'), /^VAULT_UNREADABLE: .* cannot be made \(ENOENT\)/);
  t.match(
    asStranger(() => ensure('mine')),
    /^VAULT_UNREADABLE: .* belongs to user/,
  );
  t.end();
});

t.test('a directory that cannot be listed is no empty one', (t) => {
  const dir = t.testdir({ file: 'text' });
  t.same(listDirectory(join(dir, 'missing')), []);
  t.match(
    refusalOf(() => listDirectory(join(dir, 'file'))),
    /^VAULT_UNREADABLE: .* cannot be listed \(ENOTDIR\)/,
  );
  t.end();
});

t.test('STATE-3: what cannot be written leaves what was there, and says whose it is to mend', (t) => {
  const path = join(t.testdir({}), 'file.json');
  writeDurable(path, 'old');
  mkdirSync(`${path}.tmp`);
  const refusal = refusalOf(() => writeDurable(path, 'new'));
  t.match(refusal, /^UNAVAILABLE: airlock-gateway cannot write its state \(E\w+\)/);
  t.notMatch(refusal, /file\.json/, 'the path is nobody’s business');
  t.equal(readFileSync(path, 'utf8'), 'old');
  t.end();
});

const ledgerAt = (path: string, living: () => readonly object[] = () => []): { ledger: LedgerFile; taken: object[] } => {
  const taken: object[] = [];
  return {
    taken,
    ledger: new LedgerFile(
      path,
      'boot',
      (entry) => void taken.push(entry),
      () => living(),
    ),
  };
};

t.test('a ledger takes what is whole; a line that was cut and what is no object are left out', (t) => {
  const path = join(t.testdir({}), 'ledger.jsonl');
  ledgerAt(path, () => [{ n: 1 }]).ledger.close();
  appendFileSync(path, '\n7\nnull\n{"n":2}\n{"n":');
  const { ledger, taken } = ledgerAt(path);
  t.same(taken, [{ n: 1 }, { n: 2 }]);
  ledger.close();
  for (const first of ['', 'null\n', '{"boot":\n', '{"boot":"another"}\n']) {
    writeFileSync(path, `${first}{"n":1}\n`, { mode: 0o600 });
    const other = ledgerAt(path);
    t.same(other.taken, [], `begins with ${first}`);
    other.ledger.close();
  }
  t.end();
});

t.test('a ledger that is mostly of the dead is written anew, and goes on', (t) => {
  const path = join(t.testdir({}), 'ledger.jsonl');
  const { ledger } = ledgerAt(path, () => [{ n: 'living' }]);
  const linesOf = (): string[] => readFileSync(path, 'utf8').trim().split('\n');
  let most = 0;
  for (let n = 0; n < 4200; n += 1) {
    ledger.append({ n });
    if (n % 1000 === 0) most = Math.max(most, linesOf().length);
  }
  t.ok(most > 3000, 'negative control: it grows');
  t.ok(linesOf().length < 200);
  t.match(linesOf()[1], /living/);
  t.equal(linesOf().at(-1), '{"n":4199}');
  ledger.close();
  t.end();
});

t.test('a configuration that is not there is no configuration', (t) => {
  const dir = t.testdir({ compiled: { 'config.json': JSON.stringify(DEFAULT_CONFIG) } });
  t.equal(loadConfig(dir).problem, null, 'negative control');
  rmSync(join(dir, 'compiled/config.json'));
  t.match(loadConfig(dir), { config: DEFAULT_CONFIG, problem: { code: 'CONFIG_INVALID', message: /cannot be read \(ENOENT\)/ } });
  t.end();
});
