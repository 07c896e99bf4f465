// The command of an upstream MCP server as an operator types it, and packages that are installed once: docs/spec/upstream.md.
import { AirlockError, parseProgram } from '@airlock/protocol';
import { chmodSync, existsSync, mkdirSync, readdirSync, realpathSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { findPackage, installedPackages, installPackage, packagesDir, programOf } from '../src/upstream/packages.js';
import { checkTrusted, parseEnvironment, programText } from '../src/upstream/program.js';
import type { Context } from '../src/context.js';

const contextIn = (dir: string): Context =>
  ({
    ...{ json: false, color: false, runtimeDir: join(dir, 'run'), configDir: join(dir, 'config') },
    env: { PATH: process.env['PATH'], HOME: dir, AIRLOCK_STATE_DIR: join(dir, 'state'), npm_config_offline: 'true' },
  }) as unknown as Context;

/** A package as npm takes it from a folder, with an install script that would leave a trace. */
const source = (t: Test, name: string, bin: string | Record<string, string>, version = '1.0.0'): string => {
  const dir = t.testdir({ 'server.js': '#!/usr/bin/env node\nconsole.log(1)\n', 'other.py': '#!/usr/bin/python3\n' });
  chmodSync(join(dir, 'other.py'), 0o755);
  const scripts = { postinstall: `touch ${join(dir, 'trace')}` };
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ name, version, bin, scripts }));
  return dir;
};

const refusal = (run: () => unknown): AirlockError => {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof AirlockError) return thrown;
    throw thrown;
  }
  throw new Error('it was not refused');
};

t.test('a package is installed whole, without its scripts, for everybody to read and nobody to write', (t) => {
  const from = source(t, '@acme/linear-mcp', { 'linear-mcp': 'server.js' });
  const context = contextIn(join(t.testdirName, 'home'));
  mkdirSync(join(t.testdirName, 'home'), { recursive: true });
  const installed = installPackage(context, from);
  t.match(installed, { name: '@acme/linear-mcp', version: '1.0.0', folder: /@acme\+linear-mcp@1\.0\.0$/ });
  t.notOk(existsSync(join(from, 'trace')), 'its install script did not run');
  t.equal(statSync(installed.folder).mode & 0o777, 0o755);
  const file = programOf(installed, null);
  t.equal(statSync(file).mode & 0o022, 0);
  t.same(installedPackages(context), [installed]);
  t.same(installPackage(context, from), installed, 'once more is the same');
  t.same(readdirSync(packagesDir(context)), ['@acme+linear-mcp@1.0.0'], 'nothing else is left');
  t.same(parseProgram(programText(context, ['npx', '-y', '@acme/linear-mcp', '--flag'], { A: 'b' })), {
    argv: [process.execPath, realpathSync(file), '--flag'],
    env: { A: 'b' },
  });
  t.end();
});

t.test('what cannot be installed leaves nothing, and says what npm said', (t) => {
  const context = contextIn(t.testdir({}));
  t.match(
    refusal(() => installPackage(context, join(t.testdirName, 'nothing'))),
    { code: 'UNAVAILABLE', message: /npm could not install/ },
  );
  for (const what of ['', '--registry=http://evil.example', '-g'])
    t.equal(refusal(() => installPackage(context, what)).code, 'PARAMS_INVALID', what);
  t.same(installedPackages(context), []);
  t.same(existsSync(packagesDir(context)) ? readdirSync(packagesDir(context)) : [], []);
  t.end();
});

t.test('the newest of several versions, or the one that is named; a package that is not there says how to install it', (t) => {
  const context = contextIn(t.testdir({}));
  for (const version of ['1.9.0', '1.10.0']) {
    const folder = join(packagesDir(context), `tool@${version}`, 'node_modules', 'tool');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'tool', version, bin: { a: 'a.js', b: 'b.js' } }));
    for (const file of ['a.js', 'b.js']) writeFileSync(join(folder, file), '');
  }
  mkdirSync(join(packagesDir(context), '..evil@1'), { recursive: true });
  t.equal(findPackage(context, 'tool').version, '1.10.0');
  t.equal(findPackage(context, 'tool@1.9.0').version, '1.9.0');
  t.match(
    refusal(() => findPackage(context, 'tool@3.0.0')),
    { code: 'NOT_FOUND', data: { hint: /sudo airlock-ctl mcp install tool@3\.0\.0/ } },
  );
  t.match(
    refusal(() => programOf(findPackage(context, 'tool'), null)),
    { data: { expected: 'a, b', hint: /npx -p tool a/ } },
  );
  t.match(programText(context, ['npx', '-p', 'tool', 'b'], {}), /b\.js/);
  t.match(
    refusal(() => programText(context, ['npx', '-p', 'tool', '__proto__'], {})),
    { code: 'PARAMS_INVALID' },
  );
  t.end();
});

t.test('a command is made absolute, or refused with what is allowed', (t) => {
  const context = contextIn(t.testdir({ 'run.py': '#!/bin/sh\n', 'run.mjs': '' }));
  chmodSync(join(t.testdirName, 'run.py'), 0o755);
  const argvOf = (...words: string[]): readonly string[] => parseProgram(programText(context, words, {})).argv;
  t.same(argvOf(join(t.testdirName, 'run.py'), 'x'), [join(t.testdirName, 'run.py'), 'x']);
  t.same(argvOf(join(t.testdirName, 'run.mjs')), [process.execPath, join(t.testdirName, 'run.mjs')]);
  t.same(argvOf('node', join(t.testdirName, 'run.mjs'), '-v'), [process.execPath, join(t.testdirName, 'run.mjs'), '-v']);
  t.match(argvOf('sh')[0], /^\/.*sh$/);
  for (const words of [
    [],
    ['npx'],
    ['npx', '--call', 'x'],
    ['npx', 'absent'],
    ['node', '-e', '1'],
    ['node'],
    ['no-such-program-here'],
    ['/no/such/file'],
    ['sh', 'a\nb'],
    ['sh', 'run.sh'],
    ['sh', '/no/such/run.sh'],
  ])
    t.match(refusal(() => argvOf(...words)).code, /PARAMS_INVALID|NOT_FOUND/, words.join(' '));
  t.end();
});

t.test('UPSTREAM-14: a program of root behind a link that others can replace is not trusted', (t) => {
  const dir = t.testdir({ open: {} });
  const program = realpathSync('/bin/sh');
  checkTrusted(program);
  for (const [name, target] of [
    ['direct', program],
    ['again', 'direct'],
    ['folder', dirname(program)],
  ])
    symlinkSync(target ?? '', join(dir, 'open', name ?? ''));
  symlinkSync(join('open', 'direct'), join(dir, 'into'));
  symlinkSync('round', join(dir, 'open', 'round'));
  chmodSync(join(dir, 'open'), 0o777);
  for (const path of ['open/direct', 'open/again', `open/folder/${basename(program)}`, 'into'])
    t.equal(refusal(() => checkTrusted(join(dir, path))).code, 'PARAMS_INVALID', path);
  t.throws(() => checkTrusted(join(dir, 'open', 'round')));
  t.end();
});

t.test('a variable has a value; a secret has none here', (t) => {
  t.same(parseEnvironment(['A=b', 'C=d=e', 'E=']), { A: 'b', C: 'd=e', E: '' });
  t.match(
    refusal(() => parseEnvironment(['TOKEN'])),
    { data: { hint: /--secret NAME/ } },
  );
  t.end();
});
