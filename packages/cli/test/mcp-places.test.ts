/** The command that is written into a client's file is the one that outlives an update, and really this one. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { launchFor } from '../src/commands/mcp-places.js';

const executable = (path: string): string => {
  writeFileSync(path, '#!/bin/sh\n');
  chmodSync(path, 0o755);
  return path;
};

/** lib/airlock beside lib/airlock.cjs, and bin/airlock a link to it: what install.sh makes. */
const installation = (test: Test) => {
  const dir = mkdtempSync(join(tmpdir(), 'installed-'));
  test.teardown(() => rmSync(dir, { recursive: true, force: true }));
  for (const name of ['lib', 'bin', 'other']) mkdirSync(join(dir, name));
  const script = join(dir, 'lib/airlock.cjs');
  writeFileSync(script, '');
  const starter = executable(join(dir, 'lib/airlock'));
  symlinkSync('../lib/airlock', join(dir, 'bin/airlock'));
  return { dir, script, starter, bin: join(dir, 'bin'), other: join(dir, 'other') };
};

const at = (script: string, PATH: string, more: { role?: string; socket?: string } = {}) =>
  launchFor('cursor', { role: more.role, socket: more.socket, env: { PATH }, script });

t.test('an installation: the name on PATH, else the starter', async (test) => {
  const { script, starter, bin, other } = installation(test);
  test.equal(at(script, `/nowhere:${bin}`).command, join(bin, 'airlock'));
  test.equal(at(script, '').command, starter);
  test.equal(at(script, 'bin:.').command, starter, 'what PATH has relative to a directory is not looked at');
  executable(join(other, 'airlock'));
  test.equal(at(script, `${other}:${bin}`).command, starter, 'another airlock on PATH is not taken for this one');
});

t.test('nothing to start it with: Node and the script', async (test) => {
  const { dir, script, starter } = installation(test);
  rmSync(starter);
  rmSync(join(dir, 'bin/airlock'));
  test.same(at(script, ''), { command: process.execPath, args: [script, 'mcp'], env: { AIRLOCK_AGENT: 'cursor' } });
});

t.test('role and socket are written down, whole', async (test) => {
  const { script } = installation(test);
  const { args } = at(script, '', { role: 'infra', socket: 'run/a.sock' });
  test.same(args, ['mcp', '--role', 'infra', '--socket', join(process.cwd(), 'run/a.sock')]);
});
