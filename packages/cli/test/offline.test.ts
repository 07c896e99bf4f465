/** What needs no gateway: narrowing, help, completion, the stub. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { fakeLease } from '@airlock/client/test/fake-gateway';
import { ERRORS, leaseFacts } from '@airlock/client';
import t from 'tap';
import { VERSION } from '../src/version.js';
import { STUB, airlock } from './command.js';

const env = { PATH: process.env['PATH'] ?? '' };
const LEASE = fakeLease(1, ['gmail:read']);

t.test('lease narrow appends caveats, offline', async (test) => {
  const flags = ['--scope', 'gmail:read:count_unread', '--ttl', '10', '--calls', '5', '--constraint', 'calls=4'];
  const { code, json } = await airlock(['lease', 'narrow', LEASE, ...flags, '--json'], { env });
  test.equal(code, 0);
  const { lease, id } = json as { lease: string; id: string };
  test.equal(id, leaseFacts(LEASE).id);
  test.equal(lease.split('.').length, LEASE.split('.').length + 3);
  const budget = Buffer.from(lease.split('.').at(-2) ?? '', 'base64url').toString();
  test.equal(budget, '["budget",{"calls":4}]', 'the smaller of two');
  const again = await airlock(['lease', 'narrow', '-', '--calls', '1'], { env, stdin: `${lease}\n` });
  test.equal(again.stdout.trim().split('.').length, lease.split('.').length + 1);
});

t.test('LEASE-8: lease narrow offers no constraint that nothing enforces', async (test) => {
  const refused = await airlock(['lease', 'narrow', LEASE, '--constraint', 'colour=red', '--json'], { env });
  test.equal(refused.code, 3);
  test.match(refused.json, {
    error: { code: 'CONSTRAINT', expected: /calls, bytes, folders.*maxRisk/, found: 'colour', hint: /--calls/ },
  });
});

t.test('lease narrow takes folders and the number of results', async (test) => {
  const flags = ['--constraint', 'folders=INBOX', '--constraint', 'maxResults=5'];
  const { stdout } = await airlock(['lease', 'narrow', LEASE, ...flags], { env });
  const caveat = Buffer.from(stdout.trim().split('.').at(-2) ?? '', 'base64url').toString();
  test.equal(caveat, '["constraints",{"folders":["INBOX"],"maxResults":5}]');
});

t.test('lease narrow refuses what does not narrow', async (test) => {
  test.equal((await airlock(['lease', 'narrow', LEASE, '--scope', 'gmail:write'], { env })).code, 2);
  test.equal((await airlock(['lease', 'narrow', LEASE], { env })).code, 2);
  test.equal((await airlock(['lease', 'narrow', 'no-lease', '--calls', '1'], { env })).code, 4);
});

t.test('help exit-codes has every code once', async (test) => {
  const { code, stdout } = await airlock(['help', 'exit-codes'], { env });
  test.equal(code, 0);
  const words = stdout.split(/\s+/);
  for (const name of Object.keys(ERRORS)) test.equal(words.filter((word) => word === name).length, 1, name);
});

t.test('help, --help and --version are no errors', async (test) => {
  for (const line of [[], ['--help'], ['help'], ['help', 'request'], ['lease', 'narrow', '--help']]) {
    const { code, stdout, stderr } = await airlock(line, { env });
    test.equal(code, 0, line.join(' '));
    test.match(stdout, /Usage: airlock/);
    test.equal(stderr, '');
  }
  test.equal((await airlock(['--version'], { env })).stdout, `${VERSION}\n`);
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  test.equal(VERSION, manifest.version);
});

t.test('completion names every command and is taken by the shell', async (test) => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout } = await airlock(['completion', shell], { env });
    test.equal(code, 0);
    for (const word of ['request', 'narrow', 'services', 'mcp', 'reason']) test.match(stdout, word, `${shell} ${word}`);
  }
  const { stdout: script } = await airlock(['completion', 'bash'], { env });
  const complete = (line: string): string =>
    execFileSync(
      'bash',
      ['-c', `${script}\nCOMP_WORDS=(${line} ""); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _airlock; echo "\${COMPREPLY[*]}"`],
      { encoding: 'utf8' },
    );
  test.match(complete('airlock'), /request .*services/);
  test.match(complete('airlock lease'), /narrow/);
  test.match(complete('airlock request gmail'), /--reason/);
});

t.test('the tracked stub is executable and finds what is built', (test) => {
  test.equal(statSync(STUB).mode & 0o111, 0o111);
  const { status, stdout } = spawnSync(STUB, ['--version'], { encoding: 'utf8', env });
  test.equal(status, 0);
  test.match(stdout, /^[0-9.]+\n$/);
  test.end();
});
