/** What a backup has besides airlock-totp's part: the sealed vault, accepted lists, the rules in force and the configuration. */
import { AirlockError, isName } from '@airlock/protocol';
import { closeSync, constants, existsSync, fstatSync, lstatSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseRolesFile, ROLES_FILE, YAML_FILE } from '../config/compile.js';
import { POLICY_DIR } from '../config/policies.js';
import type { Context } from '../context.js';
import { groupMembers } from '../groups.js';
import { PATHS_FILE, readPaths } from '../paths/registry.js';
import type { BackedUpService } from './requests.js';
import { jsonBytes, requireConfigName, requireEntry, requireOrder, requireRoom, whyLeftOut, word } from './restorable.js';

export type { BackedUpService } from './requests.js';

/** An accepted list that is not in the backup (BACKUP-8). */
export interface LeftOut {
  readonly operator: string;
  readonly service: string;
  /** `damaged` or `too large`. */
  readonly why: string;
}

/** What is taken of the gateway's services. */
export interface Collected {
  readonly services: readonly BackedUpService[];
  readonly leftOut: readonly LeftOut[];
}

/** The sealed body of a backup, as JSON. */
export interface BackupBody {
  readonly v: 1;
  /** airlock-totp's own part, sealed once more; base64url. */
  readonly totp: string;
  readonly services: readonly BackedUpService[];
  /** Rules in force; null where there are none. */
  readonly rules: string | null;
  /** Files below the configuration directory, by their relative path. */
  readonly config: Readonly<Record<string, string>>;
  /** Heads and public keys of the record at that moment. */
  readonly facts: object;
  /** Commands that set up again what belongs to a machine, or was left out: roles with their users, allowed paths, accepted lists. Not in releases before. */
  readonly byHand?: readonly string[];
}

const SUFFIX = '.json';
const MAX_BYTES = 2 * 1024 * 1024;

/** Where airlock-gateway has its state. */
export const gatewayState = ({ env }: Pick<Context, 'env'>): string =>
  env['AIRLOCK_STATE_DIR'] === undefined ? '/var/lib/airlock-gateway' : join(env['AIRLOCK_STATE_DIR'], 'gateway');

/** A backup carries texts; anything else would come back as something else. */
const textOf = (path: string, bytes: Buffer): string => {
  const text = bytes.toString('utf8');
  if (Buffer.from(text).equals(bytes)) return text;
  throw new AirlockError('VAULT_UNREADABLE', `${path} is no text in UTF-8, and a backup holds nothing else`, {
    hint: `move it out of the configuration: sudo mv ${path} /root/`,
  });
};

/** Root reads what another user wrote: never through a link, and ordinary files with one name only. */
const readForeign = (path: string): string | null => {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new AirlockError('VAULT_UNREADABLE', `${path} cannot be opened (${(thrown as NodeJS.ErrnoException).code ?? '?'})`);
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.nlink !== 1 || stat.size > 16 * MAX_BYTES)
      throw new AirlockError('VAULT_UNREADABLE', `${path} is no file of Airlock's`);
    return textOf(path, readFileSync(fd));
  } finally {
    closeSync(fd);
  }
};

const names = (dir: string): string[] => (existsSync(dir) ? readdirSync(dir).sort() : []);

/** Nobody can use one that cannot be read. */
const readListed = (path: string): string | null => {
  try {
    return readForeign(path) ?? '';
  } catch {
    return null;
  }
};

type Found = BackedUpService & { readonly why: string | null };

/** @throws AirlockError VAULT_UNREADABLE for an entry that no restore would take */
const collectService = (state: string, operator: string, file: string): Found | null => {
  const path = join(state, 'vault', operator, file);
  const service = file.slice(0, -SUFFIX.length);
  const entry = readForeign(path);
  if (entry === null) return null;
  requireEntry(path, service, entry);
  const listed = readListed(join(state, 'listed', operator, file));
  const why = listed === null ? 'damaged' : whyLeftOut(entry, listed);
  return { operator, service, entry, listed: why === null ? (listed ?? '') : '', why };
};

/** @param operators whose services are taken @throws AirlockError VAULT_UNREADABLE, UNAVAILABLE, with the name of what cannot be */
export const collectServices = (context: Pick<Context, 'env'>, operators: readonly string[]): Collected => {
  const state = gatewayState(context);
  const found = operators.flatMap((operator) =>
    names(join(state, 'vault', operator))
      .filter((file) => file.endsWith(SUFFIX))
      .map((file) => collectService(state, operator, file))
      .filter((one) => one !== null),
  );
  const services = found.map(({ operator, service, entry, listed }) => ({ operator, service, entry, listed }));
  requireOrder(operators, services);
  const leftOut = found.flatMap(({ operator, service, why }) => (why === null ? [] : [{ operator, service, why }]));
  return { services, leftOut };
};

/** By their directories, whoever is enrolled. */
export const operatorsWithServices = (context: Pick<Context, 'env'>): readonly string[] =>
  names(join(gatewayState(context), 'vault')).filter(isName);

/** A record that is on disk and not current yet: for a moment nobody can say which of two it is. */
export const isChanging = (context: Pick<Context, 'env'>, operators: readonly string[]): boolean =>
  operators.some((operator) => names(join(gatewayState(context), 'vault', operator)).some((file) => file.endsWith('.next')));

export const collectRules = (context: Pick<Context, 'env'>): string | null =>
  readForeign(join(gatewayState(context), 'rules.json'));

/** Folders of the configuration whose files are its own: rules, advice for agents, kinds of services. */
export const CONFIG_FOLDERS = [POLICY_DIR, 'skills', 'connectors'] as const;

/** Ordinary files and links (which are refused); a folder within is nothing that a daemon reads. */
const filesOf = (dir: string): string[] => names(dir).filter((name) => !lstatSync(join(dir, name)).isDirectory());

/** @throws AirlockError VAULT_UNREADABLE, UNAVAILABLE, with the name of what cannot be taken */
export const collectConfig = ({ configDir }: Pick<Context, 'configDir'>): Record<string, string> => {
  const below = CONFIG_FOLDERS.flatMap((folder) => filesOf(join(configDir, folder)).map((file) => `${folder}/${file}`));
  const config: Record<string, string> = {};
  const sizes = new Map<string, number>();
  for (const file of [YAML_FILE, ROLES_FILE, PATHS_FILE, ...below]) {
    const path = join(configDir, file);
    const text = readForeign(path);
    if (text === null) continue;
    requireConfigName(path, basename(path));
    config[file] = text;
    // After each of them: there may be more than this process can hold.
    requireRoom(sizes.set(path, jsonBytes(text)));
  }
  return config;
};

/** What belongs to a machine, as commands for the next one. */
export const commandsByHand = ({ configDir }: Pick<Context, 'configDir'>): readonly string[] => {
  const rolesText = readForeign(join(configDir, ROLES_FILE));
  const { roles, operators } = rolesText === null ? { roles: {}, operators: [] } : parseRolesFile(rolesText, ROLES_FILE);
  const added = Object.entries(roles).flatMap(([role, { operator }]) =>
    groupMembers(`airlock-r-${role}`).map(
      (user) => `sudo airlock-ctl role add ${role} --user ${user}${operators.length > 1 ? ` --operator ${operator}` : ''}`,
    ),
  );
  return [...added, ...readPaths(configDir).map(({ path }) => `sudo airlock-ctl path allow ${word(path)}`)];
};

/** What a list that was left out needs on the next machine, as a command: its service tells it, and it is accepted. */
export const acceptAnew = ({ operator, service, why }: LeftOut): string => {
  const command = `AIRLOCK_OPERATOR=${operator} airlock-ctl service`;
  return `${command} test ${service} && ${command} accept ${service}  # its accepted list is not in the backup: ${why}`;
};

/** Bytes of each text of a body, by the path it comes from. */
export const sizesOf = (
  context: Pick<Context, 'env' | 'configDir'>,
  { services, rules, config }: Pick<BackupBody, 'services' | 'rules' | 'config'>,
): ReadonlyMap<string, number> => {
  const state = gatewayState(context);
  const texts = [
    ...services.flatMap(({ operator, service, entry, listed }) => [
      [join(state, 'vault', operator, service + SUFFIX), entry] as const,
      [join(state, 'listed', operator, service + SUFFIX), listed] as const,
    ]),
    [join(state, 'rules.json'), rules ?? ''] as const,
    ...Object.entries(config).map(([file, text]) => [join(context.configDir, file), text] as const),
  ];
  return new Map(texts.map(([path, text]) => [path, jsonBytes(text)]));
};

const isTextRecord = (value: unknown): value is Record<string, string> =>
  typeof value === 'object' && value !== null && Object.values(value).every((one) => typeof one === 'string');

const isService = (value: unknown): value is BackedUpService =>
  isTextRecord(value) && ['operator', 'service', 'entry', 'listed'].every((key) => typeof value[key] === 'string');

/** @throws AirlockError VAULT_UNREADABLE for a body of another form, though it was sealed with the right key. */
export const parseBody = (bytes: Buffer): BackupBody => {
  try {
    const body = JSON.parse(bytes.toString('utf8')) as Partial<BackupBody>;
    const isShaped = body.v === 1 && typeof body.totp === 'string' && (body.rules === null || typeof body.rules === 'string');
    const isWhole = Array.isArray(body.services) && body.services.every(isService) && isTextRecord(body.config);
    const byHand: unknown = body.byHand ?? [];
    if (isShaped && isWhole && Array.isArray(byHand) && byHand.every((line) => typeof line === 'string'))
      return body as BackupBody;
  } catch {
    // As any other form.
  }
  throw new AirlockError('VAULT_UNREADABLE', 'the backup is of another form', {
    hint: 'restore it with the release that made it',
  });
};
