/** `airlock-ctl`: its table of commands, the parser made from it, and one run of it. */
import { AirlockError, systemTimers } from '@airlock/protocol';
import { fillTree, helpOn, metaCommands, SHELLS, type Program, type Run } from '@airlock/protocol/command';
import { Command as Commander, CommanderError } from 'commander';
import { COMMANDS } from './commands/index.js';
import { makeContext, type Context } from './context.js';
import { printError } from './output.js';
import type { Terminal } from './terminal/terminal.js';
import { SOURCES } from './values.js';

export interface RunEnvironment {
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly terminal: Terminal;
  readonly version: string;
}

const buildTree = (version: string, run: Run<Context>, out: (text: string) => void): Commander => {
  const root = new Commander(PROGRAM.name)
    .version(version)
    .addHelpText('after', '\nMore: airlock-ctl help exit-codes, help errors');
  fillTree(root, PROGRAM, run, out);
  return root;
};

const helpTree = (): Commander =>
  buildTree(
    '',
    () => Promise.resolve(),
    () => undefined,
  );

const META = metaCommands<Context>({
  program: () => PROGRAM,
  tree: helpTree,
  out: ({ terminal }, text) => terminal.out(text),
  timers: systemTimers,
  sources: SOURCES,
});

/** Everything that help, completion and the manual page say about `airlock-ctl`. */
export const PROGRAM: Program<Context> = {
  name: 'airlock-ctl',
  section: 1,
  title: 'what the operator of Airlock decides, sees and sets up',
  about: [
    'The operator approves what agents ask for with a code from the phone, adds services and their credentials, looks at leases and at the record, and takes access away. Taking away never needs a code.',
    'Secrets are read from the terminal or from stdin, never from arguments. The CODE of approve is the only exception: it can be spent once, on the request in front.',
  ],
  groups: {
    totp: 'the phone: setup, verify, reset',
    service: 'accounts and folders that agents may ask for',
    credentials: 'sealed secrets',
    mcp: 'packages of upstream MCP servers',
    role: 'who may ask',
    lockout: 'after too many wrong codes',
    path: 'maildirs and calendar files of this machine that cells may read',
    policy: 'what decides about calls: which rules there are, what would change, what waits for a code',
    config: 'used by install.sh',
  },
  globals: [{ flags: '--json', summary: 'one JSON value on stdout (AIRLOCK_JSON=1)' }],
  commands: [...COMMANDS, ...META],
  values: {
    shell: SHELLS,
    topic: [
      'exit-codes',
      'errors',
      ...new Set(COMMANDS.filter((one) => one.hidden !== true).map(({ name }) => name.split(' ')[0] ?? '')),
    ],
    day: ['today'],
    channel: ['terminal', 'relay'],
    log: ['gateway', 'totp'],
    head: 'files',
    directory: 'files',
    path: 'files',
    file: 'files',
    service: { ask: 'service' },
    kind: { ask: 'kind' },
    role: { ask: 'role' },
    id: { ask: 'request' },
    'audit name': { ask: 'service' },
    'revoke id': { ask: 'lease' },
    files: 'files',
    command: 'files',
    'policy show id': { ask: 'policy' },
    'role remove name': { ask: 'role' },
  },
  environment: [
    ['AIRLOCK_JSON', 'as --json'],
    ['AIRLOCK_OPERATOR', 'which operator this is, where the login name does not say'],
    ['AIRLOCK_RUNTIME_DIR', 'directory of the sockets (/run/airlock)'],
    ['AIRLOCK_CONFIG_DIR', 'directory of the configuration (/etc/airlock)'],
    ['NO_COLOR', 'no colours'],
  ],
  files: [
    ['/run/airlock/approve/OPERATOR.sock', 'airlock-totp: requests, codes, leases'],
    ['/run/airlock/operator/OPERATOR.sock', 'airlock-gateway: services, credentials, the record'],
    ['/run/airlock/root.sock', 'airlock-totp, for root alone'],
    ['/etc/airlock/airlock.yaml', 'the configuration, airlock.yaml(5)'],
    ['/etc/airlock/keys', 'public keys of the log heads, for audit verify'],
  ],
  examples: [
    { line: 'sudo airlock-ctl init', what: 'enrol the phone and add the first service' },
    { line: 'airlock-ctl approve', what: 'show the request in front and read the code unseen' },
    { line: 'airlock-ctl service add gmail --name mail', what: 'add a mailbox' },
    { line: 'airlock-ctl revoke --all', what: 'take every lease away, at once' },
    { line: 'airlock-ctl audit --last 12h --service mail', what: 'what happened to one service' },
    { line: 'sudo airlock-ctl doctor', what: 'is everything as it should be' },
  ],
  seeAlso: ['airlock(1)', 'airlock-totp(8)', 'airlock-gateway(8)', 'airlock-cell(8)', 'airlock.yaml(5)'],
};

/** commander answers a group of commands named without a command with its help, and this code. */
const HELP_INSTEAD = 'commander.help';

/** Commander's own complaints in the form of every other error. */
const usageError = ({ code, message }: CommanderError): AirlockError => {
  const what = code === HELP_INSTEAD ? 'the command is not complete' : message.replace(/^error: /, '');
  return new AirlockError('PARAMS_INVALID', what, { hint: 'airlock-ctl help' });
};

/** Runs one invocation. @returns the exit status */
export const runProgram = async ({ argv, env, terminal, version }: RunEnvironment): Promise<number> => {
  let status = 0;
  const run: Run<Context> = async (command, invocation) => {
    const context = makeContext(env, terminal, invocation.options['json'] === true);
    const result = await command.run(context, invocation);
    status = typeof result === 'number' ? result : 0;
  };
  try {
    await buildTree(version, run, (text) => terminal.out(text)).parseAsync([...argv], { from: 'user' });
    return status;
  } catch (thrown) {
    // --help and --version are no errors.
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
    const context = makeContext(env, terminal, argv.includes('--json'));
    if (thrown instanceof CommanderError && thrown.code === HELP_INSTEAD && !context.json) terminal.err(helpOn(helpTree(), []));
    return printError(context, thrown instanceof CommanderError ? usageError(thrown) : thrown);
  }
};
