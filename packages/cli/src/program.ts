/** `airlock`: its table of commands, and the parser made from it. */
import { systemTimers } from '@airlock/client';
import { fillTree, metaCommands, SHELLS, type Program, type Run } from '@airlock/protocol/command';
import { CLIENT_NAMES } from '@airlock/mcp/client-names';
import { Command } from 'commander';
import { COMMANDS } from './commands/index.js';
import type { Context } from './context.js';
import { SOURCES } from './values.js';

/** A parser for one run. `out` gets help and version. */
export const buildProgram = (version: string, run: Run<Context>, out: (text: string) => void): Command => {
  const root = new Command(PROGRAM.name).version(version).addHelpText('after', '\nMore: airlock help exit-codes');
  fillTree(root, PROGRAM, run, out);
  return root;
};

const META = metaCommands<Context>({
  program: () => PROGRAM,
  tree: () =>
    buildProgram(
      '',
      () => Promise.resolve(),
      () => undefined,
    ),
  out: ({ output }, text) => output.stdout(text),
  timers: systemTimers,
  sources: SOURCES,
});

/** Everything that help, completion and the manual page say about `airlock`. */
export const PROGRAM: Program<Context> = {
  name: 'airlock',
  section: 1,
  title: 'access to a person’s services, approved by the person, for an agent that never holds a credential',
  about: [
    'An agent asks for access to a service; the operator reads the request and approves it with a code from the phone. The agent then calls typed operations under a lease that ends by itself. No command of airlock takes a code.',
    'The lease is found by --lease, then AIRLOCK_LEASE, then the file of the role below XDG_RUNTIME_DIR.',
  ],
  groups: { lease: 'work with lease texts' },
  globals: [
    { flags: '--json', summary: 'print one JSON value (AIRLOCK_JSON=1)' },
    { flags: '--socket <path>', summary: 'the agent socket (AIRLOCK_SOCKET)' },
    { flags: '--role <role>', summary: 'the role, where there are several (AIRLOCK_ROLE)' },
    { flags: '--lease <lease>', summary: 'the lease to use (AIRLOCK_LEASE)' },
  ],
  commands: [...COMMANDS, ...META],
  values: {
    shell: SHELLS,
    topic: ['exit-codes', 'errors', ...COMMANDS.map(({ name }) => name.split(' ')[0] ?? '')],
    path: 'files',
    client: CLIENT_NAMES,
    role: { ask: 'role' },
    scope: { ask: 'service' },
    service: { ask: 'service' },
    operation: { ask: 'operation' },
    grant: { ask: 'grant' },
    request: { ask: 'request' },
  },
  environment: [
    ['AIRLOCK_JSON', 'as --json'],
    ['AIRLOCK_SOCKET', 'as --socket'],
    ['AIRLOCK_ROLE', 'as --role'],
    ['AIRLOCK_LEASE', 'as --lease'],
    ['AIRLOCK_INTENT', 'as --intent of call'],
    ['AIRLOCK_RUNTIME_DIR', 'directory of the sockets (/run/airlock)'],
    ['AIRLOCK_CONFIG_DIR', 'directory in which the operator’s skills are, for mcp (/etc/airlock)'],
    ['XDG_CONFIG_HOME', 'directory in which airlock/role is kept (~/.config), and configurations of MCP clients'],
    ['CLAUDE_CONFIG_DIR', 'directory of Claude Code’s configuration, for mcp connect'],
    ['CODEX_HOME', 'directory of Codex’s configuration, for mcp connect (~/.codex)'],
    ['XDG_RUNTIME_DIR', 'directory in which airlock/ROLE.lease is kept'],
    ['NO_COLOR', 'no colours'],
  ],
  files: [
    ['/run/airlock/agent/ROLE.sock', 'the socket of a role; its group may connect'],
    ['/etc/airlock/skills/*.md', 'advice of the operator, which airlock mcp gives to agents'],
    ['$XDG_CONFIG_HOME/airlock/role', 'the role that airlock use chose, mode 0600'],
    ['FILE.airlock-backup', 'a client’s configuration before mcp connect or disconnect changed it'],
    ['$XDG_RUNTIME_DIR/airlock/ROLE.lease', 'the present lease of a role, mode 0600'],
  ],
  examples: [
    { line: 'airlock services', what: 'what this role may ever get' },
    { line: "airlock request gmail --reason 'count unread mail' --wait", what: 'ask, and wait for the operator' },
    { line: `airlock call gmail list_recent -p '{"limit": 5}'`, what: 'call one operation under the lease' },
    { line: 'airlock mcp connect claude-code', what: 'give an MCP client the tools' },
    { line: 'airlock release', what: 'end the lease' },
  ],
  seeAlso: ['airlock-ctl(1)', 'airlock-gateway(8)', 'airlock.yaml(5)'],
};
