// Completion in zsh and fish, which have to be installed: the same lines as in bash, the same words.
import { existsSync } from 'node:fs';
import t from 'tap';
import { CASES, completer } from './shells.js';

const shell = completer();
t.teardown(() => shell.remove());

for (const name of ['zsh', 'fish'] as const) {
  for (const { line, has, not } of CASES) {
    t.test(`${name}: ${line.join(' ')}`, async (t) => {
      const found = shell.complete(name, line);
      for (const word of has) t.ok(found.includes(word), `${word} is offered`);
      for (const word of not) t.notOk(found.includes(word), `${word} is not`);
    });
  }
  t.test(`${name}: nothing that a service or an agent named is run`, async (t) => {
    shell.complete(name, ['airlock-ctl', 'service', 'test', '']);
    t.match(shell.asked(), 'service', 'the hostile word was asked for');
    t.notOk(existsSync(shell.pwned));
  });
}
