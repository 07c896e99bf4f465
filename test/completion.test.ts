// Completion in bash: the generated scripts, sourced and called as bash does at a Tab.
import { completionScript } from '@airlock/protocol/command';
import { PROGRAM } from '@airlock/ctl';
import { existsSync } from 'node:fs';
import t from 'tap';
import { CASES, completer } from './shells.js';

const shell = completer();
t.teardown(() => shell.remove());

for (const { line, has, not } of CASES) {
  t.test(`bash: ${line.join(' ')}`, async (t) => {
    const found = shell.complete('bash', line);
    for (const word of has) t.ok(found.includes(word), `${word} is offered`);
    for (const word of not) t.notOk(found.includes(word), `${word} is not`);
  });
}

t.test('only what begins with the typed letters is offered', async (t) => {
  t.same(shell.complete('bash', ['airlock-ctl', 'appr']), ['approve']);
  t.same(shell.complete('bash', ['airlock-ctl', 'service', 'add', 'imap', '--no-c']), ['--no-credentials']);
});

t.test('nothing that a service or an agent named is run by the shell', async (t) => {
  t.ok(shell.complete('bash', ['airlock-ctl', 'service', 'test', '']).includes('$(touch_pwned)'), 'the hostile word came as far');
  t.notOk(existsSync(shell.pwned));
});

t.test('values are asked for only where one is meant', async (t) => {
  const before = shell.asked();
  shell.complete('bash', ['airlock-ctl', 'service', '']);
  t.equal(shell.asked(), before, 'no program is run for words that stand in the script');
  shell.complete('bash', ['airlock-ctl', 'revoke', '']);
  t.equal(shell.asked(), `${before}lease\n`);
});

t.test('another shell has no script', async (t) => {
  t.equal(completionScript(PROGRAM, 'tcsh'), null);
});
