/** `airlock mcp ls` and `airlock mcp print CLIENT`: which clients there are, and what to put in by hand. */
import { isAirlockError } from '@airlock/client';
import type { Client } from '@airlock/mcp/clients';
import { CLIENT_NAMES } from '@airlock/mcp/client-names';
import { textOption, type Invocation } from '@airlock/protocol/command';
import { existsSync } from 'node:fs';
import { readConfigFile } from '../config-file/read.js';
import type { Context } from '../context.js';
import { printResult } from '../output.js';
import { table } from '../table.js';
import type { Command } from './command.js';
import { SPOT_FLAGS } from './mcp-connect.js';
import { findCommand, placesOf } from './mcp-places.js';
import { clients, entryName, launchOf, targetOf, userFile } from './mcp-target.js';

interface Row {
  readonly client: string;
  readonly installed: boolean;
  readonly file: string;
  readonly connected: boolean;
  /** Command line of the entry; null where there is none. */
  readonly command: string | null;
  /** Starts another airlock than this one, or one that is not there. */
  readonly stale: boolean;
  /** Why the file cannot be read. */
  readonly problem: string | null;
}

const isInstalled = (context: Context, client: Client): boolean =>
  client.commands.some((name) => findCommand(name, context.env) !== null) ||
  client.directories(placesOf(context.env)).some((path) => existsSync(path));

/** Names and role chosen by an operator are no reason to call it stale; another program is. */
const isStale = (command: string, args: readonly string[], wanted: { command: string; args: readonly string[] }): boolean => {
  const words = wanted.args.slice(0, wanted.args.indexOf('mcp') + 1);
  return !existsSync(command) || command !== wanted.command || words.some((word, index) => args[index] !== word);
};

const rowOf = async (context: Context, client: Client, name: string): Promise<Row> => {
  const { isObject, isOurs, readEntry } = await clients();
  const file = userFile(context, client);
  const row = { client: client.name, installed: isInstalled(context, client), file };
  const none = { ...row, connected: false, command: null, stale: false, problem: null };
  try {
    const entry = readEntry(readConfigFile(file).text ?? '', { client, file, name, isForced: false });
    if (entry === undefined) return none;
    const launch = isObject(entry) ? client.launchOf(entry) : null;
    const connected = isOurs(client, entry);
    if (!launch) return { ...none, problem: `${name} is there, but starts no command` };
    const command = [launch.command, ...launch.args].join(' ');
    return {
      ...none,
      connected,
      command,
      stale: connected && isStale(launch.command, launch.args, launchOf(context, client.name)),
    };
  } catch (thrown) {
    return { ...none, problem: isAirlockError(thrown) ? thrown.message : 'cannot be read' };
  }
};

const yes = (value: boolean): string => (value ? 'yes' : 'no');

const cellsOf = ({ client, installed, file, connected, command, stale, problem }: Row): readonly string[] => [
  client,
  yes(installed),
  problem === null ? yes(connected) : 'unknown',
  stale ? 'yes: connect again' : yes(false),
  file,
  problem ?? command ?? '-',
];

export const list = async (context: Context, invocation: Invocation): Promise<void> => {
  const { CLIENTS } = await clients();
  const entry = entryName(textOption(invocation, 'name'));
  const rows = await Promise.all(CLIENT_NAMES.map((name) => rowOf(context, CLIENTS[name], entry)));
  printResult(context.output, rows, () =>
    table(['CLIENT', 'INSTALLED', 'CONNECTED', 'STALE', 'CONFIGURATION', 'COMMAND'], rows.map(cellsOf)),
  );
};

export const print = async (context: Context, invocation: Invocation): Promise<void> => {
  const target = await targetOf(context, invocation);
  const { snippet } = await clients();
  const text = snippet(target, launchOf(context, target.client.name));
  const { client, file, name } = target;
  printResult(context.output, { client: client.name, file, name, snippet: text, next: client.next }, () =>
    [`# ${client.title}: into ${file}`, text.trimEnd(), `# then: ${client.next}`].join('\n'),
  );
};

export const MCP_LS: Command = {
  name: 'mcp ls',
  summary: 'which MCP clients there are and which are connected',
  flags: SPOT_FLAGS.slice(0, 1),
  run: list,
};

export const MCP_PRINT: Command = {
  name: 'mcp print',
  args: '<client>',
  summary: 'what to put into the configuration of an MCP client by hand',
  flags: SPOT_FLAGS,
  run: print,
};
