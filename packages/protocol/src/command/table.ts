/** The command table: parsing, help, completion and manual pages are made from it, so that none can miss a command. */

export interface Flag {
  /** As commander writes it: `-p, --params <json>`. */
  readonly flags: string;
  readonly summary: string;
  /** May be given several times; the value is then a list. */
  readonly many?: true;
  readonly required?: true;
}

export interface Invocation {
  readonly args: readonly string[];
  /** Text, true, or a list for `many`; global flags too. */
  readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
}

export interface Example {
  /** The whole line as typed, without prompt. */
  readonly line: string;
  readonly what: string;
}

export interface Command<Context> {
  /** One or two words: `credentials add`. */
  readonly name: string;
  /** As commander writes them: `<service> [fields...]`. */
  readonly args?: string;
  readonly summary: string;
  readonly flags?: readonly Flag[];
  /** Not listed in help: used by install.sh, units and completion scripts. */
  readonly hidden?: true;
  /** May be asynchronous. A number is the exit status, anything else is 0. */
  run(context: Context, invocation: Invocation): unknown;
}

/** Where the values of an argument come from: words that never change, files, or `PROGRAM complete NAME` asked at each Tab. */
export type ValueSource = readonly string[] | 'files' | { readonly ask: string };

export interface Program<Context> {
  readonly name: string;
  /** Section of the manual. */
  readonly section: 1;
  /** One line: `NAME – title`. */
  readonly title: string;
  /** Paragraphs of DESCRIPTION. */
  readonly about: readonly string[];
  /** First words that group commands, with a summary. */
  readonly groups: Readonly<Record<string, string>>;
  readonly globals: readonly Flag[];
  readonly commands: readonly Command<Context>[];
  /** Placeholder (`service`), or command and placeholder (`revoke id`), to its values. */
  readonly values: Readonly<Record<string, ValueSource>>;
  readonly environment: readonly (readonly [variable: string, meaning: string])[];
  readonly files: readonly (readonly [path: string, meaning: string])[];
  readonly examples: readonly Example[];
  readonly seeAlso: readonly string[];
}

/** The value of a flag that takes one text. */
export const textOption = ({ options }: Invocation, name: string): string | undefined => {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
};

/** The values of a flag that may be given several times; empty where it was not. */
export const listOption = ({ options }: Invocation, name: string): readonly string[] => {
  const value = options[name];
  return Array.isArray(value) ? (value as readonly string[]) : [];
};

export interface ParsedFlag extends Flag {
  readonly long: string;
  readonly short: string | null;
  /** Name of its value; null for a switch. */
  readonly placeholder: string | null;
}

/** The parts of a flag as commander reads them: `-p, --params <json>`. */
export const parseFlag = (flag: Flag): ParsedFlag => {
  const [, short, long = '', placeholder] = /^(?:(-[a-zA-Z]), )?(--[a-z][a-z-]*)(?: <([^>]+)>)?$/.exec(flag.flags) ?? [];
  if (long === '') throw new TypeError(`no flag of the command table: ${flag.flags}`);
  return { ...flag, long, short: short ?? null, placeholder: placeholder ?? null };
};

/** Names of the arguments in order; the last may repeat. */
export const parseArgs = (args: string | undefined): readonly { readonly name: string; readonly many: boolean }[] =>
  (args ?? '')
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => ({ name: word.replace(/^[<[]/, '').replace(/(?:\.\.\.)?[>\]]$/, ''), many: word.includes('...') }));

/** What a person sees: commands that are not hidden. */
export const visible = <Context>({ commands }: Program<Context>): readonly Command<Context>[] =>
  commands.filter(({ hidden }) => hidden !== true);

/** Does this command line (without the program's name) name a command, with flags it has and arguments in number? */
export const isCommandLine = <Context>(program: Program<Context>, words: readonly string[]): boolean => {
  const two = program.commands.find(({ name }) => name === words.slice(0, 2).join(' '));
  const command = two ?? program.commands.find(({ name }) => name === words[0]);
  if (!command) return false;
  const flags = [...program.globals, ...(command.flags ?? [])].map(parseFlag);
  const args = parseArgs(command.args);
  let count = 0;
  for (let at = command.name.split(' ').length; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (!word.startsWith('-')) count += 1;
    else {
      const flag = flags.find(({ long, short }) => word === long || word === short);
      if (!flag) return false;
      if (flag.placeholder !== null) at += 1;
    }
  }
  const least = (command.args ?? '').split('<').length - 1;
  return count >= least && (count <= args.length || args.at(-1)?.many === true);
};
