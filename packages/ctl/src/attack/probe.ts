/**
 * A probe: one way to the other side of a wall, tried as the user of an agent. Exit 0 of its script means a hole.
 *
 * ATTACK-1  a probe that a hole would turn into harm says `harms`, and is run only where the machine can be thrown away.
 * ATTACK-2  no probe prints what it read: what lies behind a hole is not shown to whoever looks at the table.
 */

export type Wall = 'sockets' | 'files' | 'processes' | 'rights' | 'machine' | 'commands';

export interface Probe {
  readonly wall: Wall;
  /** What is tried. */
  readonly name: string;
  /** bash, run as the agent. */
  readonly script: string;
  /** bash, run as `as` afterwards: its exit decides instead. */
  readonly then?: { readonly as: string; readonly script: string };
  /** What the refusal must say, where one reason alone is right. */
  readonly refusal?: RegExp;
  /** Root gets through: such probes are run as root too, to prove that they can succeed. */
  readonly rootCan?: true;
  /** Through a hole it would end, change or delete something. */
  readonly harms?: true;
  /** The command that closes the hole. */
  readonly fix: string;
}

/** Where things are, and who is who. */
export interface Targets {
  readonly node: string;
  readonly runtimeDir: string;
  readonly stateDirs: readonly string[];
  readonly configDir: string;
  readonly libraryDir: string;
  /** The user of the agent. */
  readonly self: string;
  readonly ownRole: string;
  /** Roles that are not this user's. */
  readonly foreignRoles: readonly string[];
  /** Their users. */
  readonly foreignAgents: readonly { readonly user: string; readonly role: string }[];
  readonly operator: string;
  readonly operatorHome: string;
  /** Sockets below the runtime directory that are there besides those every installation has. */
  readonly moreSockets: readonly string[];
  /** Units that run what must not be dumped or swapped; none where systemd runs nothing of this. */
  readonly units: readonly string[];
  /** Process name to process. */
  readonly pids: Readonly<Record<string, number>>;
  /** Files below the state directories that hold keys or sealed records. */
  readonly stateFiles: readonly string[];
  /** Regular expressions (grep -E) of what must not stand in a command line. */
  readonly secrets: readonly string[];
  /** The other command, as it is called. */
  readonly commands: { readonly airlock: string; readonly ctl: string };
}

export const DENIED = /Permission denied|EACCES/;
export const REINSTALL = 'sudo ./install.sh';

/** A text as one word of bash. */
export const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** A Node program and its arguments as a line of bash. */
export const nodeLine = (node: string, source: string, args: readonly string[]): string =>
  ['env', '-u', 'NODE_OPTIONS', node, '-e', source, ...args].map(quote).join(' ');

const CONNECT =
  'require("net").connect(process.argv[1]).on("connect",()=>process.exit(0)).on("error",(e)=>{console.error(e.message);process.exit(1)})';

/** Connects to a Unix socket and hangs up. */
export const connectLine = (node: string, path: string): string => nodeLine(node, CONNECT, [path]);

/**
 * Opens for appending and writes nothing; where there is no such file, makes and removes one of its own in the nearest directory
 * above that exists. A program that runs answers "Text file busy" to whoever may write it, and to nobody else.
 */
export const openForWriting = (path: string): string => openWordForWriting(quote(path));

/** The same for a word of bash. */
export const openWordForWriting = (word: string): string =>
  `p=${word}; if [ -e "$p" ]; then o=$({ exec 3>>"$p"; } 2>&1) && exit 0; echo "$o" >&2; [[ "$o" == *"Text file busy"* ]]; ` +
  `else d="$(dirname "$p")"; while [ ! -e "$d" ]; do d="$(dirname "$d")"; done; t="$d/.airlock-probe.$$"; : >"$t" && rm -f "$t"; fi`;

/** Opens and reads one byte into nothing. */
export const openForReading = (path: string): string => `head -c 1 ${quote(path)} >/dev/null`;

/** Succeeds where find prints anything. */
export const finds = (places: string, tests: string): string => `find ${places} ${tests} -print -quit 2>/dev/null | grep -q .`;

/** For programs whose status does not tell: a word of theirs does. */
export const said = (command: string, word: string): string =>
  `o=$(${command} 2>&1 </dev/null); echo "$o"; grep -q ${quote(word)} <<<"$o"`;

/** Patterns (grep -E) as one that does not match the command line it stands in. */
export const patternOf = (secrets: readonly string[]): string =>
  secrets.map((secret) => `[${secret.slice(0, 1)}]${secret.slice(1)}`).join('|');
