/** mcp install|list|remove: packages of upstream MCP servers, put where only root writes. */
import { AirlockError } from '@airlock/protocol';
import { rmSync } from 'node:fs';
import type { Context } from '../context.js';
import { print, table } from '../output.js';
import { isInstalled, needRoot } from '../system.js';
import { findPackage, installedPackages, installPackage } from '../upstream/packages.js';
import type { Command, Invocation } from './command.js';
import { services } from './service.js';

/** In a development instance all of it belongs to whoever runs it. */
const needOwner = (context: Context): void => {
  if (isInstalled(context)) needRoot();
};

const install = (context: Context, { args }: Invocation): void => {
  needOwner(context);
  const { name, version, folder } = installPackage(context, args[0] ?? '');
  print(
    context,
    { name, version, folder },
    `installed ${name} ${version} (its install scripts were not run)\nnow: airlock-ctl service add mcp --name NAME -- npx ${name}`,
  );
};

const list = (context: Context): void => {
  const all = installedPackages(context);
  const text =
    all.length === 0
      ? 'no package of an MCP server is installed; install one: sudo airlock-ctl mcp install PACKAGE'
      : table(
          ['package', 'version', 'in'],
          all.map(({ name, version, folder }) => [name, version, folder]),
        );
  print(context, all, text);
};

const remove = async (context: Context, { args }: Invocation): Promise<void> => {
  needOwner(context);
  const { name, version, folder } = findPackage(context, args[0] ?? '');
  const users = (await services(context)).filter(
    ({ destination }) => 'program' in destination && destination.program.includes(`${folder}/`),
  );
  if (users.length > 0)
    throw new AirlockError('PARAMS_INVALID', `${name} ${version} is used by ${users.map(({ service }) => service).join(', ')}`, {
      field: 'PACKAGE',
      expected: 'a package that no service uses',
      found: `${name}@${version}`,
      hint: `remove the service first: airlock-ctl service remove ${users[0]?.service ?? ''}`,
    });
  rmSync(folder, { recursive: true, force: true });
  print(context, { removed: `${name}@${version}` }, `removed ${name} ${version}`);
};

export const MCP_COMMANDS: readonly Command[] = [
  {
    name: 'mcp install',
    args: '<package>',
    summary: 'install the npm package of an MCP server for services of kind mcp (root); its install scripts are not run',
    run: install,
  },
  { name: 'mcp list', summary: 'the packages that are installed', run: list },
  { name: 'mcp remove', args: '<package>', summary: 'remove a package that no service uses (root)', run: remove },
];
