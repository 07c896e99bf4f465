// Arguments that leave a proof nothing to prove are refused in one line, and a run that proved nothing has failed.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { main as crash } from '../crash/main.js';
import { main as fuzz } from '../fuzz/main.js';
import { main as model } from '../queue/main.js';
import { main as soak } from '../soak/main.js';
import { conclude, prove } from './command.js';
import { anySeed, content, directory, flagsOf, namesOf, oneOf, Refused, whole, writable } from './flags.js';
import { fromRoot } from './packages.js';

const FLAGS = { full: 'switch', runs: whole(1), seed: anySeed, name: oneOf('a', 'b'), agents: whole(1, 7) } as const;
/** What stands on the standard streams meanwhile. */
const hear = async (t: Test, run: () => number | Promise<number>): Promise<{ status: number; err: string; out: string }> => {
  const [err, out] = [t.capture(process.stderr, 'write'), t.capture(process.stdout, 'write')];
  const status = await run();
  err.restore();
  out.restore();
  const text = (said: typeof err): string => said.args().map(String).join('');
  return { status, err: text(err), out: text(out) };
};

t.test('flags that are whole are read', async (t) => {
  t.same(flagsOf([], FLAGS), {});
  const all = ['--full', '--runs', '5', '--seed=0', '--name', 'b', '--agents', '7'];
  t.same(flagsOf(all, FLAGS), { full: true, runs: 5, seed: 0, name: 'b', agents: 7 });
  t.same(namesOf(['a'], ['a', 'b']), ['a']);
});

const REFUSED: readonly (readonly [readonly string[], RegExp])[] = [
  [['--nonsense'], /^found --nonsense, allowed: --full, --runs VALUE, --seed VALUE, --name VALUE, --agents VALUE$/],
  [['--constructor', '1'], /^found --constructor, allowed/],
  [['-x'], /^found -x, allowed/],
  [['5'], /^found 5, allowed/],
  [['--', '--full'], /^found --, allowed/],
  [['--name', 'nonsense'], /^--name wants one of a, b, found nonsense$/],
  [['--seed'], /^--seed wants a whole number from 0 to 4294967295, found nothing$/],
  [['--runs', '--full'], /^--runs wants .*, found nothing$/],
  [['--seed='], /found nothing$/],
  [['--full=5'], /^--full takes no value, found 5$/],
  [['--runs', '1', '--runs', '2'], /^--runs is given twice$/],
  ...['0', '-1', '1.5', '1e3', '0x10', 'NaN', 'Infinity', '', ' 1', '9'.repeat(16)].map(
    (text) => [[`--runs=${text}`], /^--runs wants a whole number of at least 1, found /] as const,
  ),
  [['--agents', '8'], /^--agents wants a whole number from 1 to 7, found 8$/],
  [['--seed', '4294967296'], /found 4294967296$/],
];

t.test('anything else is refused, saying what is allowed', async (t) => {
  for (const [args, expected] of REFUSED) {
    const thrown = ((): unknown => {
      try {
        return flagsOf(args, FLAGS);
      } catch (error) {
        return error;
      }
    })();
    t.ok(thrown instanceof Refused, args.join(' '));
    t.match((thrown as Error).message, expected);
  }
  t.throws(() => namesOf(['a', 'nonsense'], ['a', 'b']), { message: 'found nonsense, allowed: a, b' });
});

t.test('files and directories are there before a proof begins', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'fire-'));
  const file = join(dir, 'input');
  writeFileSync(file, 'abc');
  t.equal(flagsOf(['--replay', file], { replay: content }).replay?.toString(), 'abc');
  t.equal(flagsOf(['--trace', join(dir, 'new')], { trace: writable }).trace, join(dir, 'new'));
  t.equal(flagsOf(['--from', dir], { from: directory }).from, dir);
  t.throws(() => flagsOf(['--replay', join(dir, 'none')], { replay: content }), { message: /wants a file that can be read/ });
  t.throws(() => flagsOf(['--replay', dir], { replay: content }), { message: /wants a file that can be read/ });
  t.throws(() => flagsOf(['--trace', join(dir, 'none/new')], { trace: writable }), {
    message: /wants a file that can be written/,
  });
  t.throws(() => flagsOf(['--from', file], { from: directory }), { message: /wants a directory that is there/ });
  t.throws(() => flagsOf(['--from', join(dir, 'none')], { from: directory }), { message: /wants a directory that is there/ });
});

const COMMANDS = [
  ['fuzz', fuzz, ['--inputs', '0'], /--inputs wants/],
  ['fuzz', fuzz, ['--inputs', '2.5'], /--inputs wants/],
  ['fuzz', fuzz, ['--target', 'nonsense'], /--target wants one of .*\bmime\b.*, found nonsense/],
  ['fuzz', fuzz, ['--target', 'mime', '--replay', '/none'], /--replay wants a file/],
  ['fuzz', fuzz, ['--replay', fileURLToPath(fromRoot('package.json'))], /--target too/],
  ['fuzz', fuzz, ['--seed'], /--seed wants/],
  ['model', model, ['--runs', '0'], /--runs wants/],
  ['model', model, ['--ful'], /allowed: --full, --seed VALUE, --runs VALUE/],
  ['test:crash', crash, ['--story', 'nonsense', '--kills', '0'], /--story wants one of log, .*, all, none, found nonsense/],
  ['test:crash', crash, ['--story', 'none', '--kills', '0'], /nothing to prove/],
  ['test:crash', crash, ['--kills', '-1'], /--kills wants/],
  ['soak', soak, ['--minutes', '0'], /--minutes wants/],
  ['soak', soak, ['--agents', '8'], /from 1 to 7/],
  ['soak', soak, ['--trace', '/none/trace'], /--trace wants/],
] as const;

t.test('each proof refuses before it starts anything, with one line and status 2', async (t) => {
  for (const [name, main, args, expected] of COMMANDS) {
    const { status, err, out } = await hear(t, () => prove(main, args));
    t.equal(status, 2, `${name} ${args.join(' ')}`);
    t.match(err, expected);
    t.match(err, /^airlock: error: [^\n]+\n$/, 'one line');
    t.equal(out, '', 'no count');
  }
});

t.test('a run that proved nothing has failed', async (t) => {
  const nothing = await hear(t, () => conclude(0, []));
  t.match(nothing, { status: 1, err: 'airlock: error: nothing was proven\n', out: '0 passed, 1 failed\n' });
  t.match(await hear(t, () => conclude(1, [])), { status: 0, err: '', out: '1 passed, 0 failed\n' });
  t.match(await hear(t, () => conclude(-1, ['bad'])), { status: 1, out: '0 passed, 1 failed\n' });
});

t.test('what is no refusal is thrown on', async (t) => {
  await t.rejects(
    prove(() => Promise.reject(new RangeError('a defect')), []),
    RangeError,
  );
});

const run = (...args: readonly string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, args, { encoding: 'utf8', cwd: fileURLToPath(fromRoot('.')) });

t.test('the commands themselves end so', async (t) => {
  const refused = (...args: readonly string[]): void => {
    const { status, stdout, stderr } = run(...args);
    t.match({ status, stdout }, { status: 2, stdout: '' }, args.join(' '));
    t.match(stderr, /^airlock: error: [^\n]+\n$/);
  };
  refused('test/fire.mjs', 'queue', '--runs', '0');
  refused('test/dist/conformance/run.js', 'nonsense');
  refused('test/coverage.mjs', '--from', 'nowhere');
  refused('test/coverage.mjs', '--form');
});

t.test('a proof that waits for what never comes says so', async (t) => {
  const command = JSON.stringify(new URL('command.js', import.meta.url).href);
  const { status, stderr } = run('-e', `import(${command}).then(({ prove }) => prove(() => new Promise(() => undefined), []))`);
  t.match({ status, stderr }, { status: 1, stderr: /^airlock: error: the proof stopped before its end: [^\n]+\n$/ });
});
