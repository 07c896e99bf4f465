/** The commands that are about commands: help, completion, and the values that completion asks for. */
import { AirlockError } from '../errors.js';
import type { Timers } from '../timers.js';
import { completionScript, SHELLS } from './completion.js';
import type { Command, Program } from './table.js';
import { errorsText, exitCodesText } from './topics.js';
import { helpOn, type Tree } from './tree.js';

export interface MetaOptions<Context> {
  readonly program: () => Program<Context>;
  /** A tree of its own, to print help from. */
  readonly tree: () => Tree;
  readonly out: (context: Context, text: string) => void;
  readonly timers: Timers;
  /** Source → its words now. May fail or take long: then there are none. */
  readonly sources: Readonly<Record<string, (context: Context) => readonly string[] | Promise<readonly string[]>>>;
}

/** A Tab must not hang on a daemon that does not answer. */
const ASK_LIMIT_MS = 700;

/** What a shell may be given as a word: names and ids, nothing a shell could expand. */
const PLAIN_WORD = /^[A-Za-z0-9@._][A-Za-z0-9@._:+-]{0,127}$/;

const askSource = async <Context>(
  { sources, timers }: MetaOptions<Context>,
  context: Context,
  name: string,
): Promise<readonly string[]> => {
  const source = Object.hasOwn(sources, name) ? sources[name] : undefined;
  if (!source) return [];
  let giveUp = (): void => undefined;
  const late = new Promise<readonly string[]>((resolve) => (giveUp = () => resolve([])));
  const timer = timers.after(ASK_LIMIT_MS, giveUp);
  try {
    return (await Promise.race([Promise.resolve(source(context)), late])).filter((word) => PLAIN_WORD.test(word));
  } catch {
    // No daemon, no permission, a sealed vault: completion stays silent.
    return [];
  } finally {
    timer.cancel();
  }
};

const noSuchShell = (name: string, shell: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', `no completion for ${shell}`, {
    field: 'SHELL',
    expected: SHELLS.join(', '),
    found: shell,
    hint: `${name} completion bash`,
  });

/** `completion`, `help` and the hidden `complete`. */
export const metaCommands = <Context>(options: MetaOptions<Context>): readonly Command<Context>[] => [
  {
    name: 'completion',
    args: '<shell>',
    summary: `a completion script: ${SHELLS.join(', ')}`,
    run: (context, { args: [shell = ''] }) => {
      const program = options.program();
      const script = completionScript(program, shell);
      if (script === null) throw noSuchShell(program.name, shell);
      options.out(context, script);
    },
  },
  {
    name: 'help',
    args: '[topic...]',
    summary: 'help, or one of: exit-codes, errors, COMMAND',
    run: (context, { args }) => {
      const [topic] = args;
      if (args.length === 1 && topic === 'exit-codes') options.out(context, `${exitCodesText()}\n`);
      else if (args.length === 1 && topic === 'errors') options.out(context, `${errorsText()}\n`);
      else options.out(context, helpOn(options.tree(), args));
    },
  },
  {
    name: 'complete',
    args: '<source>',
    summary: 'words for a completion script',
    hidden: true,
    run: async (context, { args: [source = ''] }) => {
      const words = await askSource(options, context, source);
      if (words.length > 0) options.out(context, `${words.join('\n')}\n`);
    },
  },
];
