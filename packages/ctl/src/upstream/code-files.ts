/** Which files of a command are code: the program, and what an interpreter is told to run. Pure but for links and first lines, which it is given. */
import { basename } from 'node:path';

const INTERPRETER =
  /^(?:python|pypy|bash|sh|dash|ash|ksh|mksh|zsh|fish|busybox|ruby|perl|php|lua|luajit|node|nodejs|deno|bun|tsx|ts-node|java|Rscript|R|julia|tclsh|pwsh|guile|racket|elixir|erl|escript|dotnet|mono|awk|gawk|env|nice|ionice|stdbuf|timeout|nohup|setsid|xargs|time|uv|pipx)[\d.-]*$/;

/** Options that are followed by code, after which the script still comes. */
const CODE_OPTION = /^(?:-r|-I|-S|-cp|-classpath|--require|--import|--loader|--rcfile|--init-file|--class-path|--config|-f)$/;
/** Such an option with its value in one word. */
const JOINED = /^(?:-[Ir]|--[a-z-]+=)(?=\/)/;
/** What follows is code itself, or a module: no script comes. */
const INLINE = /^(?:-c|-e|-m|--eval|-p|--print|-E)$/;
const SCRIPT = /\.(?:[cm]?[jt]s|py|pyz|sh|bash|rb|pl|php|lua|jar|R|jl|tcl|ps1|rkt|exs?|awk)$/;

/** What of the disk is looked at. */
export interface Looks {
  /** Behind all links. @throws where it is not there */
  readonly real: (path: string) => string;
  readonly exists: (path: string) => boolean;
  /** The first line of a file. */
  readonly head: (path: string) => string;
}

export interface CodeFiles {
  /** Absolute paths. */
  readonly files: readonly string[];
  /** A script that is named by where the server is started; null where there is none. */
  readonly relative: string | null;
}

const isInterpreter = (path: string, { real, exists }: Looks): boolean =>
  [path, exists(path) ? real(path) : path].some((one) => INTERPRETER.test(basename(one)));

/** `#!/usr/bin/env -S python3 -u` → its words. */
const shebangOf = (path: string, { head, exists }: Looks): readonly string[] =>
  exists(path) ? (/^#!\s*(\S.*)$/.exec(head(path))?.[1] ?? '').split(/\s+/).filter((word) => word.startsWith('/')) : [];

const isRelativeScript = (word: string): boolean =>
  !word.startsWith('/') && (SCRIPT.test(word) || word.startsWith('./') || word.startsWith('../'));

/** The words up to and with the script. */
const scriptsIn = (words: readonly string[], looks: Looks): CodeFiles => {
  const files: string[] = [];
  for (const [index, word] of words.entries()) {
    const before = words[index - 1] ?? '';
    if (INLINE.test(before)) return { files, relative: null };
    const joined = JOINED.test(word) ? word.replace(JOINED, '') : null;
    if (joined !== null && looks.exists(joined)) files.push(joined);
    if (word.startsWith('-')) continue;
    if (isRelativeScript(word)) return { files, relative: word };
    if (!word.startsWith('/')) continue;
    files.push(...word.split(':').filter((one) => one.startsWith('/')));
    if (!CODE_OPTION.test(before) && !INTERPRETER.test(basename(word))) return { files, relative: null };
  }
  return { files, relative: null };
};

/** Who can change one of these can have anything run with the secrets of the service. */
export const codeFiles = ([program = '', ...words]: readonly string[], looks: Looks): CodeFiles => {
  const { files, relative } = isInterpreter(program, looks) ? scriptsIn(words, looks) : { files: [], relative: null };
  const named = [program, ...files];
  return { files: [...new Set(named.flatMap((path) => [path, ...shebangOf(path, looks)]))], relative };
};
