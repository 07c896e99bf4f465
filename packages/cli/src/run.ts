/** Runs one command line: parses, does, prints, and says with which code to exit. */
import { AirlockError, isAirlockError, type Env } from '@airlock/client';
import type { Run } from '@airlock/protocol/command';
import { CommanderError } from 'commander';
import { withCommandHint } from './hints.js';
import { makeContext, type Context } from './context.js';
import { printError, type Output } from './output.js';
import { buildProgram } from './program.js';
import { VERSION } from './version.js';

export interface RunOptions {
  /** Words behind the command's name. */
  readonly argv: readonly string[];
  readonly env: Env;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  readonly isTerminal: boolean;
  readonly readStdin: () => Promise<string>;
}

/** Any value but an empty one, `0` and `false`. */
const isOn = (value: string | undefined): boolean => value !== undefined && !['', '0', 'false'].includes(value);

/** Also before the flags are parsed, as a bad flag is answered in JSON too. */
const outputOf = ({ argv, env, stdout, stderr, isTerminal }: RunOptions): Output => ({
  isJson: argv.includes('--json') || isOn(env['AIRLOCK_JSON']),
  isTerminal,
  hasColour: isTerminal && (env['NO_COLOR'] ?? '') === '',
  stdout,
  stderr,
});

/** commander answers a group of commands named without a command with its help, and this code. */
const HELP_INSTEAD = 'commander.help';

const usageError = ({ code, message }: CommanderError): AirlockError => {
  const what = code === HELP_INSTEAD ? 'the command is not complete' : message.replace(/^error: /, '').replaceAll('\n', ' ');
  return new AirlockError('PARAMS_INVALID', what, { hint: 'run: airlock help' });
};

const asError = (thrown: unknown): AirlockError => {
  if (thrown instanceof CommanderError) return usageError(thrown);
  if (isAirlockError(thrown)) return thrown;
  return new AirlockError('INTERNAL', thrown instanceof Error ? thrown.message : 'an internal error');
};

/** @returns the exit code (interfaces.md, Errors). Never throws. */
export const run = async (options: RunOptions): Promise<number> => {
  const output = outputOf(options);
  let status = 0;
  const runOne: Run<Context> = async (command, invocation) => {
    const context = makeContext(output, invocation.options, options.env, VERSION, options.readStdin);
    const result = await command.run(context, invocation);
    if (typeof result === 'number') status = result;
  };
  try {
    const program = buildProgram(VERSION, runOne, options.stdout);
    if (options.argv.length === 0) {
      options.stdout(program.helpInformation());
      return 0;
    }
    await program.parseAsync([...options.argv], { from: 'user' });
    return status;
  } catch (thrown) {
    // --help and --version are no errors.
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
    const error = withCommandHint(asError(thrown));
    printError(output, error);
    return error.exitCode;
  }
};
