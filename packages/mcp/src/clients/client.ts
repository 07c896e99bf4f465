/** What is known of one client: where its configuration is, what an entry in it looks like, how it is read back. */
import type { ClientName } from './names.js';

/** Where a user's files are; the environment counts where the client itself looks at it. */
export interface Places {
  readonly home: string;
  /** XDG_CONFIG_HOME, else ~/.config. */
  readonly configHome: string;
  readonly platform: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** How the client starts the MCP server. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Members of an entry as they stand in the file. */
export type Entry = Readonly<Record<string, unknown>>;

/** What the client's own parser takes besides JSON; `json` means that a comment breaks the client. */
export type Format = 'json' | 'json-comments' | 'jsonc' | 'toml' | 'yaml';

export interface Client {
  readonly name: ClientName;
  readonly title: string;
  readonly format: Format;
  /** Member of the file that holds the entries. */
  readonly container: string;
  /** The first that is there is used, else the last. */
  files(places: Places): readonly [string, ...string[]];
  /** Below the directory of a project; null where the client has none. */
  readonly projectFile: string | null;
  /** Commands and directories by which one sees that it is installed. */
  readonly commands: readonly string[];
  directories(places: Places): readonly string[];
  entry(launch: Launch, name: string): Entry;
  /** Name of the member with the environment. */
  readonly envMember: string;
  /** How an entry starts its server; null where it is of another shape, a remote one for example. */
  launchOf(entry: Entry): Launch | null;
  /** What makes the client read its configuration again. */
  readonly next: string;
}

export const isText = (value: unknown): value is string => typeof value === 'string';

/** A plain object: neither null nor a list. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The member itself, never one of the prototype. */
export const member = (entry: Entry, name: string): unknown => (Object.hasOwn(entry, name) ? entry[name] : undefined);

const textsOf = (value: unknown): readonly string[] => (Array.isArray(value) ? value.filter(isText) : []);

const envOf = (value: unknown): Readonly<Record<string, string>> =>
  isObject(value) ? Object.fromEntries(Object.entries(value).filter((pair): pair is [string, string] => isText(pair[1]))) : {};

/** Reads an entry that has command and arguments in members of these names. */
export const launchFrom = (entry: Entry, command: string, args: string, env: string): Launch | null => {
  const program = member(entry, command);
  return isText(program) ? { command: program, args: textsOf(member(entry, args)), env: envOf(member(entry, env)) } : null;
};

/** Reads an entry whose command is a list with the arguments in it. */
export const launchFromList = (entry: Entry, command: string, env: string): Launch | null => {
  const [program, ...args] = textsOf(member(entry, command));
  return program === undefined ? null : { command: program, args, env: envOf(member(entry, env)) };
};

/** The form that most clients share: `command`, `args`, `env`. */
export const COMMON = {
  envMember: 'env',
  entry: ({ command, args, env }: Launch): Entry => ({ command, args, env }),
  launchOf: (entry: Entry): Launch | null => launchFrom(entry, 'command', 'args', 'env'),
} as const;

/** A variable that is an absolute path, else the default. */
export const directoryFrom = ({ env }: Places, name: string, otherwise: string): string => {
  const value = env[name];
  return value?.startsWith('/') === true ? value : otherwise;
};

/** Where desktop programs keep their settings: ~/Library/Application Support on macOS. */
export const applicationSupport = ({ home, configHome, platform }: Places): string =>
  platform === 'darwin' ? `${home}/Library/Application Support` : configHome;
