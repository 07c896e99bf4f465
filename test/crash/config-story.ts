/** The configuration that airlock-ctl keeps: the roles, and what the daemons read, each replaced whole. */
import { replaceFile } from '@airlock/ctl';
import { ModelFs } from './model-fs.js';
import { onModel } from './patched-fs.js';
import { lost, WHOLE, type Scenario } from './scenario.js';

const DIRECTORY = '/state/etc';
const FILE = `${DIRECTORY}/roles.json`;
const textOf = (turn: number): string =>
  `${JSON.stringify({ roles: Array.from({ length: turn }, (_unused, n) => `role-${n}`) })}\n`;

/** What was there before, or what was written; what was answered for once it was. */
export const config: Scenario = {
  name: 'config',
  before: new Map([
    [DIRECTORY, null],
    [FILE, Buffer.from(textOf(1))],
  ]),
  tell: (fs) => {
    let [answered, tried] = [textOf(1), textOf(1)];
    return {
      run: async () => {
        for (let turn = 2; turn <= 4; turn += 1) {
          tried = textOf(turn);
          onModel(fs, () => replaceFile(FILE, tried, 0o644));
          answered = tried;
        }
      },
      check: (disk) => {
        const found = ModelFs.of(disk).contentOf(FILE)?.toString() ?? 'nothing';
        return found === answered || found === tried ? WHOLE : lost(`the file is ${JSON.stringify(found)}`);
      },
    };
  },
};
