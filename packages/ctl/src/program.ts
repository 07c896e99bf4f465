/** The commander program, made from the command table. */
import { AirlockError } from '@airlock/protocol';
import { Command as Commander, CommanderError } from 'commander';
import { completion, errorsText, exitCodesText, SHELLS, type Shell } from './completion.js';
import { COMMANDS } from './commands/index.js';
import type { Command } from './commands/command.js';
import { makeContext } from './context.js';
import { printError } from './output.js';
import type { Terminal } from './terminal/terminal.js';

export interface RunEnvironment {
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly terminal: Terminal;
  readonly version: string;
}

const GROUPS: Readonly<Record<string, string>> = {
  totp: 'the phone: setup, verify, reset',
  service: 'accounts and folders that agents may ask for',
  credentials: 'sealed secrets',
  role: 'who may ask',
  lockout: 'after too many wrong codes',
  config: 'used by install.sh',
};

const collect = (value: string, list: readonly string[] = []): string[] => [...list, value];

const addFlags = (target: Commander, command: Command): void => {
  for (const { flags, summary, many } of command.flags ?? []) {
    if (many === true) target.option(flags, summary, collect, []);
    else target.option(flags, summary);
  }
};

const flatten = (args: readonly unknown[]): string[] => args.flat().filter((arg): arg is string => typeof arg === 'string');

/** `audit` is both a command and a group: its second words are commands below it. */
const parentOf = (root: Commander, word: string): Commander =>
  root.commands.find((one) => one.name() === word) ??
  root
    .command(word)
    .summary(GROUPS[word] ?? '')
    .description(GROUPS[word] ?? '');

const addCommand = (
  root: Commander,
  command: Command,
  run: (command: Command, args: string[], options: object) => Promise<void>,
): void => {
  const [first = '', second] = command.name.split(' ');
  const hidden = { hidden: command.hidden === true };
  const target = second === undefined ? root.command(first, hidden) : parentOf(root, first).command(second, hidden);
  target.description(command.summary).summary(command.summary);
  if (command.args !== undefined) target.arguments(command.args);
  target.option('--json', 'one JSON value on stdout');
  addFlags(target, command);
  target.action(async (...given: unknown[]) => {
    await run(command, flatten(given.slice(0, -2)), target.optsWithGlobals());
  });
};

const addHelp = (root: Commander, terminal: Terminal): void => {
  root.helpCommand(false);
  root
    .command('help [topic...]')
    .description('help, or one of: exit-codes, errors, COMMAND')
    .action((topic: readonly string[]) => {
      const [name] = topic;
      if (name === 'exit-codes') terminal.out(`${exitCodesText()}\n`);
      else if (name === 'errors') terminal.out(`${errorsText()}\n`);
      else terminal.out(helpOf(root, topic));
    });
  root
    .command('completion <shell>')
    .description(`a completion script: ${SHELLS.join(', ')}`)
    .action((shell: string) => {
      if (!SHELLS.includes(shell as Shell)) {
        throw new AirlockError('PARAMS_INVALID', `no completion for ${shell}`, {
          field: 'SHELL',
          expected: SHELLS.join(', '),
          found: shell,
          hint: 'airlock-ctl completion bash',
        });
      }
      terminal.out(`${completion(shell as Shell, COMMANDS)}\n`);
    });
};

const helpOf = (root: Commander, topic: readonly string[]): string => {
  let at = root;
  for (const word of topic) {
    const next = at.commands.find((one) => one.name() === word);
    if (!next)
      throw new AirlockError('PARAMS_INVALID', `no help on ${topic.join(' ')}`, {
        field: 'TOPIC',
        expected: ['exit-codes', 'errors', ...root.commands.map((one) => one.name())].join(', '),
        found: topic.join(' '),
        hint: 'airlock-ctl help',
      });
    at = next;
  }
  return at.helpInformation();
};

/** commander answers a group of commands named without a command with its help, and this code. */
const HELP_INSTEAD = 'commander.help';

/** Commander's own complaints in the form of every other error. */
const usageError = ({ code, message }: CommanderError): AirlockError => {
  const what = code === HELP_INSTEAD ? 'the command is not complete' : message.replace(/^error: /, '');
  return new AirlockError('PARAMS_INVALID', what, { hint: 'airlock-ctl help' });
};

/** commander looks at exitOverride and output of each command, not of the root alone. */
const configure = (command: Commander, terminal: Terminal): void => {
  command.exitOverride().configureOutput({ writeOut: (text) => terminal.out(text), writeErr: () => undefined });
  for (const one of command.commands) configure(one, terminal);
};

/** Runs one invocation. @returns the exit status */
export const runProgram = async ({ argv, env, terminal, version }: RunEnvironment): Promise<number> => {
  let status = 0;
  const root = new Commander('airlock-ctl')
    .description('Airlock: what the operator decides, sees and sets up')
    .version(version)
    .option('--json', 'one JSON value on stdout');
  const run = async (command: Command, args: string[], options: object): Promise<void> => {
    const context = makeContext(env, terminal, (options as { json?: boolean }).json === true);
    const result = await command.run(context, { args, options: options as Record<string, string | boolean | readonly string[]> });
    status = typeof result === 'number' ? result : 0;
  };
  for (const command of COMMANDS) addCommand(root, command, run);
  addHelp(root, terminal);
  configure(root, terminal);
  try {
    await root.parseAsync([...argv], { from: 'user' });
    return status;
  } catch (thrown) {
    // --help and --version are no errors.
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
    const context = makeContext(env, terminal, argv.includes('--json'));
    if (thrown instanceof CommanderError && thrown.code === HELP_INSTEAD && !context.json) terminal.err(helpOf(root, []));
    return printError(context, thrown instanceof CommanderError ? usageError(thrown) : thrown);
  }
};
