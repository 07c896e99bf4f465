/** The tree of commands of a parser, filled from the command table. */
import { AirlockError } from '../errors.js';
import type { Command, Flag, Invocation, Program } from './table.js';

/** What is used of commander's Command; this package imports nothing of others. */
export interface Tree {
  command(name: string, options?: { hidden?: boolean }): Tree;
  readonly commands: readonly Tree[];
  name(): string;
  description(text: string): this;
  summary(text: string): this;
  arguments(names: string): this;
  option(
    flags: string,
    summary: string,
    collect?: (value: string, before: readonly string[] | undefined) => readonly string[],
  ): this;
  requiredOption(flags: string, summary: string): this;
  action(run: (...given: unknown[]) => Promise<void>): this;
  optsWithGlobals(): object;
  helpInformation(): string;
  helpCommand(enable: boolean): this;
  configureHelp(settings: { showGlobalOptions?: boolean }): this;
  exitOverride(): this;
  configureOutput(output: { writeOut: (text: string) => void; writeErr: (text: string) => void }): this;
}

const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value];

const addFlag = (target: Tree, { flags, summary, many, required }: Flag): void => {
  if (required === true) target.requiredOption(flags, summary);
  else if (many === true) target.option(flags, summary, collect);
  else target.option(flags, summary);
};

/** A word may be both a command and a group: its second words are commands below it. */
const groupOf = <Context>(root: Tree, word: string, { commands, groups }: Program<Context>): Tree => {
  const hidden = commands.every((one) => !one.name.startsWith(`${word} `) || one.hidden === true);
  const summary = groups[word] ?? '';
  return root.commands.find((one) => one.name() === word) ?? root.command(word, { hidden }).summary(summary).description(summary);
};

const wordsOf = (args: readonly unknown[]): string[] => args.flat().filter((arg): arg is string => typeof arg === 'string');

/** Runs one parsed command; where it prints is the caller's. */
export type Run<Context> = (command: Command<Context>, invocation: Invocation) => Promise<void>;

/**
 * Fills the root of a parser with all commands of the table. Every command throws instead of exiting, prints help with
 * `out`, and leaves complaints to the caller.
 */
export const fillTree = <Context>(
  root: Tree,
  program: Program<Context>,
  run: Run<Context>,
  out: (text: string) => void,
): void => {
  root.description(program.title).helpCommand(false);
  for (const flag of program.globals) addFlag(root, flag);
  for (const command of program.commands) {
    const [first = '', second] = command.name.split(' ');
    const parent = second === undefined ? root : groupOf(root, first, program);
    const target = parent.command(second ?? first, { hidden: command.hidden === true });
    target.description(command.summary).summary(command.summary);
    if (command.args !== undefined) target.arguments(command.args);
    for (const flag of command.flags ?? []) addFlag(target, flag);
    target.action((...given) =>
      run(command, { args: wordsOf(given.slice(0, -2)), options: target.optsWithGlobals() as Invocation['options'] }),
    );
  }
  tame(root, out);
};

/** commander looks at these settings of each command, not of the root alone. */
const tame = (tree: Tree, out: (text: string) => void): void => {
  tree.exitOverride().configureHelp({ showGlobalOptions: true });
  tree.configureOutput({ writeOut: out, writeErr: () => undefined });
  for (const child of tree.commands) tame(child, out);
};

/** Help on a command or group. @throws AirlockError PARAMS_INVALID for a topic that is neither */
export const helpOn = (root: Tree, topic: readonly string[]): string => {
  let at = root;
  for (const word of topic) {
    const next = at.commands.find((one) => one.name() === word);
    if (!next) {
      throw new AirlockError('PARAMS_INVALID', `no help on ${topic.join(' ')}`, {
        field: 'TOPIC',
        expected: ['exit-codes', 'errors', ...at.commands.map((one) => one.name())].join(', '),
        found: topic.join(' '),
        hint: `${root.name()} help`,
      });
    }
    at = next;
  }
  return at.helpInformation();
};
