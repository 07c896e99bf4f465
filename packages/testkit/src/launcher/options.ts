/** `npm run --silent dev -- up --dir D [--roles a,b] [--totp-secret-file F] [--clock-file F] [--config DIR] --json` */
import { AirlockError, isName, OPERATOR_ROLE } from '@airlock/protocol';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

export interface LauncherOptions {
  readonly dir: string;
  readonly roles: readonly string[];
  readonly secretFile: string | undefined;
  readonly clockFile: string | undefined;
  readonly configDir: string | undefined;
  /** Cell slots, each with a process started ahead. */
  readonly cells: number;
  /** A CommonJS file that both daemons load first: how tests end them at a chosen moment. */
  readonly preload: string | undefined;
  readonly json: boolean;
}

export const USAGE =
  'up --dir D [--roles a,b] [--totp-secret-file F] [--clock-file F] [--config DIR] [--cells N] [--preload FILE] [--json]';

const bad = (field: string, found: string, expected: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', `${field}: found ${found}, allowed: ${expected}`, {
    field,
    found,
    expected,
    hint: `npm run dev -- ${USAGE}`,
  });

const existing = (field: string, path: string | undefined): string | undefined => {
  if (path !== undefined && !existsSync(path)) throw bad(field, path, 'a path that exists');
  return path === undefined ? undefined : resolve(path);
};

const parseFlags = (args: readonly string[]): { values: Record<string, string | boolean | undefined>; positionals: string[] } => {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        dir: text,
        roles: text,
        'totp-secret-file': text,
        'clock-file': text,
        config: text,
        cells: text,
        preload: text,
        json: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw bad('arguments', error instanceof Error ? error.message : 'something else', USAGE);
  }
};

const parseRoles = (list: string): string[] => {
  const roles = list.split(',');
  for (const role of roles) {
    if (!isName(role) || role === OPERATOR_ROLE)
      throw bad('--roles', role, `names of a-z, 0-9 and -, at most 18 characters, not ${OPERATOR_ROLE}`);
  }
  return [...new Set(roles)];
};

/** @throws AirlockError PARAMS_INVALID */
export const parseOptions = (args: readonly string[]): LauncherOptions => {
  const { values, positionals } = parseFlags(args);
  const flag = (name: string): string | undefined => (typeof values[name] === 'string' ? values[name] : undefined);
  if (positionals.length !== 1 || positionals[0] !== 'up') throw bad('command', positionals.join(' ') || 'nothing', 'up');
  const dir = flag('dir');
  if (dir === undefined) throw bad('--dir', 'nothing', 'a directory of this instance');
  const cells = Number(flag('cells') ?? 8);
  if (!Number.isInteger(cells) || cells < 1 || cells > 16)
    throw bad('--cells', flag('cells') ?? '', 'a whole number from 1 to 16');
  return {
    dir,
    roles: parseRoles(flag('roles') ?? 'default'),
    secretFile: existing('--totp-secret-file', flag('totp-secret-file')),
    clockFile: existing('--clock-file', flag('clock-file')),
    configDir: existing('--config', flag('config')),
    cells,
    preload: existing('--preload', flag('preload')),
    json: values['json'] === true,
  };
};
