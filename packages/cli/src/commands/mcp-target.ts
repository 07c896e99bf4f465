/** Reads the command line of `airlock mcp connect` and its like: which client, which file, which name. */
import { AirlockError, isName } from '@airlock/client';
import type { Client, Launch, Target } from '@airlock/mcp/clients';
import { CLIENT_NAMES, type ClientName } from '@airlock/mcp/client-names';
import { textOption, type Invocation } from '@airlock/protocol/command';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Context } from '../context.js';
import { chosenBy, launchFor, placesOf } from './mcp-places.js';

/** What the SDK is not loaded for: only the clients' part of the package. */
export const clients = () => import('@airlock/mcp/clients');

/** Of an entry in a client's file; what every client takes as a key and as the beginning of tool names. */
const ENTRY_NAME = /^[a-zA-Z][a-zA-Z0-9_-]{0,31}$/;

const isClient = (name: string): name is ClientName => (CLIENT_NAMES as readonly string[]).includes(name);

const clientName = (name: string): ClientName => {
  if (isClient(name)) return name;
  throw new AirlockError('PARAMS_INVALID', `no client ${name}`, {
    field: 'CLIENT',
    expected: CLIENT_NAMES.join(', '),
    found: name,
    hint: `choose one of ${CLIENT_NAMES.join(', ')}; for another, take airlock mcp print cursor as a pattern`,
  });
};

/** @throws AirlockError PARAMS_INVALID */
export const entryName = (name: string | undefined): string => {
  if (name === undefined) return 'airlock';
  if (ENTRY_NAME.test(name)) return name;
  throw new AirlockError('PARAMS_INVALID', 'no name for an entry', {
    field: '--name',
    expected: 'a letter, then up to 31 letters, digits, - and _',
    found: name,
    hint: 'write for example: --name airlock-mail',
  });
};

const conflict = (): AirlockError =>
  new AirlockError('PARAMS_INVALID', '--project and --config both name a file', {
    field: '--project',
    expected: 'one of the two',
    found: 'both',
    hint: 'leave one out',
  });

const noProject = (client: Client): AirlockError =>
  new AirlockError('PARAMS_INVALID', `${client.title} has no configuration in a project`, {
    field: '--project',
    expected: 'no --project',
    found: '--project',
    hint: `without it: airlock mcp connect ${client.name}`,
  });

/** The user's file: the first that is there, else the last. */
export const userFile = (context: Context, client: Client): string => {
  const files = client.files(placesOf(context.env));
  return files.find((file) => existsSync(file)) ?? files.at(-1) ?? files[0];
};

const fileOf = (context: Context, client: Client, invocation: Invocation): string => {
  const config = textOption(invocation, 'config');
  const isProject = invocation.options['project'] === true;
  if (config !== undefined && isProject) throw conflict();
  if (config !== undefined) return resolve(config);
  if (!isProject) return userFile(context, client);
  if (client.projectFile === null) throw noProject(client);
  return resolve(client.projectFile);
};

/** `--role` as the gateway would take it. @throws AirlockError PARAMS_INVALID */
const checkRole = (role: string | undefined): void => {
  if (role === undefined || isName(role)) return;
  throw new AirlockError('PARAMS_INVALID', 'no name of a role', {
    field: '--role',
    expected: 'a role',
    found: role,
    hint: 'see which there are: airlock current',
  });
};

export const launchOf = (context: Context, client: ClientName): Launch => {
  const chosen = chosenBy(context.env, context.flags);
  checkRole(chosen.role);
  return launchFor(client, { ...chosen, script: process.argv[1] ?? '' });
};

/** @throws AirlockError PARAMS_INVALID */
export const targetOf = async (context: Context, invocation: Invocation): Promise<Target> => {
  const { CLIENTS } = await clients();
  const client = CLIENTS[clientName(invocation.args[0] ?? '')];
  return {
    client,
    file: fileOf(context, client, invocation),
    name: entryName(textOption(invocation, 'name')),
    isForced: invocation.options['force'] === true,
  };
};
