/** Command lines that are not complete, or no command at all. */
import t from 'tap';
import { runProgram } from '../src/program.js';
import type { Terminal } from '../src/terminal/terminal.js';

const run = async (...argv: string[]): Promise<{ status: number; out: string; err: string }> => {
  let [out, err] = ['', ''];
  const terminal: Terminal = {
    isTerminal: false,
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    line: () => Promise.resolve(null),
    secret: () => Promise.resolve(null),
    close: () => undefined,
  };
  const status = await runProgram({ argv, env: {}, terminal, version: '1' });
  return { status, out, err };
};

t.test('a command that is not complete is an error with a hint, for people with the help before it', async (t) => {
  for (const argv of [[], ['service'], ['credentials']]) {
    const human = await run(...argv);
    t.equal(human.status, 2);
    t.equal(human.out, '');
    t.match(human.err, /Usage: airlock-ctl[\s\S]*airlock: error: the command is not complete\nairlock: hint: /);
    const json = await run('--json', ...argv);
    t.equal(json.status, 2);
    t.match(JSON.parse(json.out), { error: { code: 'PARAMS_INVALID', hint: /.+/ } });
  }
});

t.test('help and version are no errors', async (t) => {
  for (const argv of [['--help'], ['--version'], ['service', '--help'], ['help']])
    t.match(await run(...argv), { status: 0, err: '' });
});
