/** The file is replaced in one step or stays: kills, others that write, links, modes, what is no file. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  linkSync,
  mkdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import t from 'tap';
import { clientHome, preload } from './client-home.js';
import { MAIN } from './command.js';

const FILE = '.cursor/mcp.json';
const BEFORE = '{\n  "mcpServers": {\n    "a": {}\n  }\n}\n';
const isRoot = process.getuid?.() === 0;
const NOBODY = 65534;

t.test('CLIENTS-6: a kill at any step leaves the file as it was or as it is to be, and the next run goes on', async (test) => {
  const steps = ['openSync', 'writeFileSync', 'fchmodSync', 'fsyncSync', 'renameSync', 'unlinkSync', 'linkSync'];
  let kills = 0;
  for (const step of steps) {
    for (let nth = 1; nth <= 4; nth += 1) {
      const home = clientHome(test);
      home.write(FILE, BEFORE);
      const code = `let n = 0; const old = fs.${step}; fs.${step} = (...given) => {
        if (String(given[0]).includes('mcp.json') || typeof given[0] === 'number') { n += 1; if (n === ${nth}) process.kill(process.pid, 'SIGKILL'); }
        return old(...given); };`;
      const killed = await home.mcp(['connect', 'cursor'], preload(home.at('preload.cjs'), code));
      kills += killed.code === null ? 1 : 0;
      const left = home.read(FILE);
      test.ok(left === BEFORE || left.includes('"airlock"'), `${step} ${nth}`);
      if (left !== BEFORE) test.ok((JSON.parse(left) as { mcpServers: object }).mcpServers, 'whole');
      test.equal((await home.mcp(['connect', 'cursor'])).code, 0, 'the lock of who was killed is no hindrance');
      test.match(JSON.parse(home.read(FILE)), { mcpServers: { a: {}, airlock: { args: ['mcp'] } } });
      // Where all was done already, the lock of who is gone stays for the next who needs it.
      const names = home.beside(FILE).filter((name) => left === BEFORE || name !== 'mcp.json.airlock-lock');
      test.same(names, ['mcp.json', 'mcp.json.airlock-backup'], 'and nothing is left of it');
      if (killed.code !== null) break;
    }
  }
  test.ok(kills >= 12, `${kills} runs were killed`);
});

t.test('CLIENTS-7: what the client writes in between is not lost', async (test) => {
  const home = clientHome(test);
  const file = home.write(FILE, BEFORE);
  const theirs = BEFORE.replace('"a": {}', '"a": {},\n    "b": {"new": 1}');
  const code = `let n = 0; const old = fs.fsyncSync; fs.fsyncSync = (fd) => { n += 1; if (n < 3) fs.writeFileSync(${JSON.stringify(file)}, ${JSON.stringify(theirs)}.replace('1', String(n))); old(fd); };`;
  test.equal((await home.mcp(['connect', 'cursor'], preload(home.at('preload.cjs'), code))).code, 0);
  test.match(JSON.parse(home.read(FILE)), { mcpServers: { a: {}, b: { new: 2 }, airlock: { args: ['mcp'] } } });
  test.match(home.read(`${FILE}.airlock-backup`), '"new": 2');
  const always = `const old = fs.fsyncSync; let n = 9; fs.fsyncSync = (fd) => { n += 1; fs.writeFileSync(${JSON.stringify(file)}, '{"n":' + n + '}'); old(fd); };`;
  const restless = await home.mcp(['connect', 'cursor', '--name', 'other', '--json'], preload(home.at('preload.cjs'), always));
  test.match(restless.json, { error: { code: 'UNAVAILABLE', hint: /quit the client/ } });
  test.match(home.read(FILE), /^\{"n":\d+\}$/);
});

t.test('CLIENTS-7: what is written into the file between the last look and the replacement is not lost', async (test) => {
  const home = clientHome(test);
  const file = home.write(FILE, BEFORE);
  const theirs = BEFORE.replace('"a": {}', '"a": {"late": true}');
  const code = `let done = false; const old = fs.renameSync; fs.renameSync = (from, to) => {
    if (to === ${JSON.stringify(file)} && !done) { done = true; fs.writeFileSync(to, ${JSON.stringify(theirs)}); }
    old(from, to); };`;
  test.equal((await home.mcp(['connect', 'cursor'], preload(home.at('preload.cjs'), code))).code, 0);
  test.match(JSON.parse(home.read(FILE)), { mcpServers: { a: { late: true }, airlock: { args: ['mcp'] } } });
  test.equal(home.read(`${FILE}.airlock-backup`), theirs);
});

t.test('CLIENTS-7: eight at once, eight entries', async (test) => {
  const home = clientHome(test);
  home.write(FILE, BEFORE);
  const names = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7', 'a8'];
  const all = await Promise.all(names.map((name) => home.mcp(['connect', 'cursor', '--name', name])));
  for (const { code, stderr } of all) test.equal(code, 0, stderr);
  test.same(Object.keys((JSON.parse(home.read(FILE)) as { mcpServers: object }).mcpServers).sort(), ['a', ...names]);
  test.same(home.beside(FILE), ['mcp.json', 'mcp.json.airlock-backup']);
});

t.test('mode and owner stay; a new file is the user’s alone', async (test) => {
  const home = clientHome(test);
  const file = home.write(FILE, BEFORE);
  chmodSync(file, 0o640);
  if (isRoot) chownSync(file, NOBODY, NOBODY);
  await home.mcp(['connect', 'cursor']);
  for (const path of [file, `${file}.airlock-backup`]) {
    const { mode, uid } = statSync(path);
    test.equal(mode & 0o777, 0o640);
    test.equal(uid, isRoot ? NOBODY : process.getuid?.());
  }
  if (isRoot) chownSync(home.home, NOBODY, NOBODY);
  await home.mcp(['connect', 'goose']);
  for (const [path, wanted] of [
    ['.config/goose', 0o700],
    ['.config/goose/config.yaml', 0o600],
  ] as const) {
    test.equal(statSync(home.at(path)).mode & 0o777, wanted);
    test.equal(statSync(home.at(path)).uid, statSync(home.home).uid, 'root gives it to whose home it is');
  }
});

t.test('CLIENTS-5: a symbolic link stays and its target is edited', async (test) => {
  const home = clientHome(test);
  const target = home.write('dotfiles/mcp.json', BEFORE);
  mkdirSync(home.at('.cursor'));
  symlinkSync('../dotfiles/mcp.json', home.at(FILE));
  test.match((await home.mcp(['connect', 'cursor', '--json'])).json, { file: target });
  test.ok(lstatSync(home.at(FILE)).isSymbolicLink());
  test.equal(readlinkSync(home.at(FILE)), '../dotfiles/mcp.json');
  test.match(home.read('dotfiles/mcp.json'), 'airlock');
  test.equal(home.read('dotfiles/mcp.json.airlock-backup'), BEFORE);
  await home.mcp(['disconnect', 'cursor']);
  test.equal(home.read(FILE), BEFORE, 'CLIENTS-10');
});

t.test('CLIENTS-4: what is no configuration file is refused at once and not written to', async (test) => {
  const home = clientHome(test);
  mkdirSync(home.at('dir.json'));
  execFileSync('mkfifo', [home.at('fifo.json')]);
  symlinkSync('loop.json', home.at('loop.json'));
  writeFileSync(home.at('bytes.json'), Buffer.from('{\n "a": "\xff"}', 'latin1'));
  writeFileSync(home.at('huge.json'), `{"a":"${'x'.repeat(17 * 1024 * 1024)}"}`);
  writeFileSync(home.at('deep.json'), '{"a":\n'.repeat(100_000));
  linkSync(home.write('one.json', '{}'), home.at('two.json'));
  for (const [name, message] of [
    ['dir.json', /is no regular file|EISDIR/],
    ['fifo.json', /is no regular file/],
    ['/dev/null', /is no regular file/],
    ['/dev/zero', /is no regular file/],
    ['loop.json', /links without an end/],
    ['bytes.json', /bytes\.json:2:8: is not UTF-8/],
    ['huge.json', /larger than 16777216 bytes/],
    ['deep.json', /deep\.json:401:1: is nested deeper than 400 levels/],
    ['one.json', /hard link/],
  ] as const) {
    const config = name.startsWith('/') ? name : home.at(name);
    const { json, code } = await home.mcp(['connect', 'cursor', '--config', config, '--json']);
    test.equal(code, 6, name);
    test.match(json, { error: { code: 'CONFIG_INVALID', message, hint: /^nothing was written/ } }, name);
  }
  test.equal(home.read('one.json'), '{}');
  const large = `{"projects":{${Array.from({ length: 20_000 }, (_, n) => `"/p${n}":{"history":["${'y'.repeat(100)}"]}`).join(',')}}}`;
  home.write('.claude.json', large);
  test.equal((await home.mcp(['connect', 'claude-code'])).code, 0, 'three megabytes of history are none too many');
  await home.mcp(['disconnect', 'claude-code']);
  test.ok(home.read('.claude.json') === large);
});

t.test('a directory that cannot be written is said so, and the file stays', async (test) => {
  const home = clientHome(test);
  home.write(FILE, BEFORE);
  for (const path of [home.home, home.at('.cursor')]) chmodSync(path, 0o555);
  const { status, stderr } = spawnSync(process.execPath, [MAIN, 'mcp', 'connect', 'cursor'], {
    ...{ env: home.env, encoding: 'utf8' },
    ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
  });
  chmodSync(home.home, 0o755);
  chmodSync(home.at('.cursor'), 0o755);
  test.equal(status, 6);
  test.match(stderr, /cannot be used \(EACCES\)/);
  test.equal(home.read(FILE), BEFORE);
});

t.test('a lock that is held is waited for, then named', async (test) => {
  const home = clientHome(test);
  home.write(FILE, BEFORE);
  home.write(`${FILE}.airlock-lock`, 'held by nobody knows');
  // The command's clock runs ahead, so that ten seconds are over at once.
  const fast = preload(
    home.at('preload.cjs'),
    'let ms = 0; const now = Date.now; Date.now = () => now() + (ms += 2000); const h = process.hrtime.bigint; let ns = 0n; process.hrtime.bigint = () => h() + (ns += 2000000000n); performance.now = () => (ms += 2000);',
  );
  const { json } = await home.mcp(['connect', 'cursor', '--json'], fast);
  test.match(json, { error: { code: 'UNAVAILABLE', message: /airlock-lock is held/, hint: /rm .*airlock-lock/ } });
  test.equal(home.read(FILE), BEFORE);
});
