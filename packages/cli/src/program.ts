/** The tree of commands. */
import { Command } from 'commander';
import { call, type CallFlags } from './commands/call.js';
import { exitCodes } from './commands/exit-codes.js';
import { leaseNarrow, type NarrowFlags } from './commands/lease-narrow.js';
import { mcp } from './commands/mcp.js';
import { release } from './commands/release.js';
import { request, type RequestFlags } from './commands/request.js';
import { services } from './commands/services.js';
import { status } from './commands/status.js';
import { wait } from './commands/wait.js';
import { completion } from './completion.js';
import type { Context, GlobalFlags } from './context.js';

/** Makes the context once the flags are known. */
export type ContextOf = (flags: GlobalFlags) => Context;

const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value];

const addGlobalFlags = (command: Command): Command =>
  command
    .option('--json', 'print one JSON value (AIRLOCK_JSON=1)')
    .option('--socket <path>', 'the agent socket (AIRLOCK_SOCKET)')
    .option('--role <role>', 'the role, where there are several (AIRLOCK_ROLE)')
    .option('--lease <lease>', 'the lease to use (AIRLOCK_LEASE)');

const addAccessCommands = (program: Command, contextOf: (command: Command) => Context): void => {
  program
    .command('request <scope...>')
    .description('ask the human for access: service:class[:operation], without a class: read')
    .requiredOption('--reason <text>', 'why, in one line; shown as the words of the agent')
    .option('--intent <text>', 'the task; binds the lease to it')
    .option('--ttl <minutes>', 'for how long')
    .option('--constraint <key=value>', 'narrow it, e.g. calls=20; may be given again', collect)
    .option('--wait', 'wait for the decision and keep the lease')
    .option('--renew', 'follow the present lease')
    .action((scopes: string[], flags: RequestFlags, command: Command) => request(contextOf(command), scopes, flags));
  program
    .command('wait <request>')
    .description('wait for the decision on an earlier request and keep the lease')
    .action((id: string, _flags: object, command: Command) => wait(contextOf(command), id));
  program
    .command('release')
    .description('end the lease')
    .action((_flags: object, command: Command) => release(contextOf(command)));
};

const addUseCommands = (program: Command, contextOf: (command: Command) => Context): void => {
  program
    .command('call <service> <operation>')
    .description('call one operation')
    .option('-p, --params <json>', 'its parameters as a JSON object; - reads them from stdin')
    .option('--intent <text>', 'the intent the lease is bound to (AIRLOCK_INTENT)')
    .action((service: string, operation: string, flags: CallFlags, command: Command) =>
      call(contextOf(command), service, operation, flags),
    );
  program
    .command('services')
    .description('list what this role may ever get')
    .action((_flags: object, command: Command) => services(contextOf(command)));
  program
    .command('status')
    .description('show leases and requests of this session')
    .action((_flags: object, command: Command) => status(contextOf(command)));
};

const addLeaseCommands = (program: Command, contextOf: (command: Command) => Context): void => {
  program
    .command('lease')
    .description('work with lease texts')
    .command('narrow [lease]')
    .description('make a lease that allows less, for a sub-agent; without LEASE from the present one, - reads it from stdin')
    .option('--scope <scope>', 'a scope to keep; may be given again', collect)
    .option('--ttl <minutes>', 'end it earlier')
    .option('--calls <n>', 'at most this many calls')
    .option('--constraint <key=value>', 'narrow it by arguments', collect)
    .action((lease: string | undefined, flags: NarrowFlags, command: Command) => leaseNarrow(contextOf(command), lease, flags));
};

const addOtherCommands = (program: Command, contextOf: (command: Command) => Context): void => {
  program
    .command('mcp')
    .description('serve MCP on stdin and stdout')
    .action((_flags: object, command: Command) => mcp(contextOf(command)));
  program
    .command('completion <shell>')
    .description('print the completion script for bash, zsh or fish')
    .action((shell: string, _flags: object, command: Command) => {
      contextOf(command).output.stdout(`${completion(program, shell)}\n`);
    });
  program
    .command('help [topic...]')
    .description('show help for a command, or: exit-codes')
    .action((topics: string[], _flags: object, command: Command) => {
      const { stdout } = contextOf(command).output;
      if (topics[0] === 'exit-codes') stdout(`${exitCodes()}\n`);
      else stdout(helpOf(program, topics));
    });
};

const helpOf = (program: Command, topics: readonly string[]): string => {
  let target = program;
  for (const topic of topics) {
    const child = target.commands.find((candidate) => candidate.name() === topic);
    if (child === undefined) program.error(`error: unknown command '${topic}'`, { code: 'commander.unknownCommand' });
    target = child;
  }
  return target.helpInformation();
};

/** The program; parse errors are thrown as CommanderError, and nothing is printed by commander itself but help. */
export const buildProgram = (version: string, contextOf: ContextOf): Command => {
  const program = addGlobalFlags(new Command('airlock'))
    .description('Access to a person’s services, approved by the person, for an agent that never holds a credential.')
    .version(version)
    .helpCommand(false)
    .addHelpText('after', '\nMore: airlock help exit-codes');
  const context = (command: Command): Context => contextOf(command.optsWithGlobals<GlobalFlags>());
  addAccessCommands(program, context);
  addUseCommands(program, context);
  addLeaseCommands(program, context);
  addOtherCommands(program, context);
  return program;
};
