/** A person at a terminal of `airlock-ctl`, without one: answers by the prompt they belong to. Runs in this process. */
import { runProgram, type Terminal } from '@airlock/ctl';
import type { Running } from './instance.js';

export interface Sitting {
  readonly status: number;
  /** Everything on the screen, both streams, in order. */
  readonly screen: string;
}

/** What is typed: a line, null for the end of input, or made from the screen so far. */
export type Answer = string | null | ((screen: string) => string | null);

const script = (answers: readonly (readonly [RegExp, ...Answer[]])[]): ((prompt: string, screen: string) => string | null) => {
  const used = new Map<RegExp, number>();
  return (prompt, screen) => {
    const found = answers.find(([pattern]) => pattern.test(prompt));
    if (!found) return null;
    const [pattern, ...given] = found;
    const index = Math.min(used.get(pattern) ?? 0, given.length - 1);
    used.set(pattern, index + 1);
    const answer = given[index] ?? null;
    return typeof answer === 'function' ? answer(screen) : answer;
  };
};

/**
 * Runs one command.
 * @param answers each list is used in order, its last one goes on being given; a prompt without a list meets the end of input
 * @param asked is filled with the prompts
 */
export const sit = async (
  running: Pick<Running, 'env'>,
  argv: readonly string[],
  answers: readonly (readonly [RegExp, ...Answer[]])[],
  asked: string[] = [],
): Promise<Sitting> => {
  let screen = '';
  const answerTo = script(answers);
  const reply = (prompt: string): Promise<string | null> => {
    asked.push(prompt);
    return Promise.resolve(answerTo(prompt, screen));
  };
  const terminal: Terminal = {
    isTerminal: true,
    out: (text) => void (screen += text),
    err: (text) => void (screen += text),
    line: async () => {
      const text = await reply(screen.slice(screen.lastIndexOf('\n') + 1));
      screen += '\n';
      return text;
    },
    secret: (prompt) => {
      screen += `${prompt}\n`;
      return reply(prompt);
    },
    close: () => undefined,
  };
  const status = await runProgram({ argv, env: { ...running.env, NO_COLOR: '1' }, terminal, version: '0.0.0' });
  return { status, screen };
};
