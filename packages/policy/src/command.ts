/**
 * Command lines against `blocked_commands`: `terraform apply`, `kubectl delete`.
 *
 * COMMAND-1  the program is compared by its base name, whatever path it was called by.
 * COMMAND-2  the words of the entry have to follow in order, with nothing but flags and their values before and between them.
 * COMMAND-3  upper and lower case of the program are the same; those of its words are not.
 *
 * Where it is not certain whether a word is a flag's value, the command counts as blocked.
 */

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1).toLowerCase();

const isFlag = (word: string): boolean => word.startsWith('-') && word !== '-';

/**
 * Where in the entry's words the command may stand after one more argument. A flag is passed over; so is a word right behind a
 * flag without `=`, which may be that flag's value, and may as well be the word that is looked for.
 */
const step = (words: readonly string[], at: ReadonlySet<number>, arg: string, mayBeValue: boolean): ReadonlySet<number> => {
  const next = new Set<number>();
  for (const one of at) {
    if (words[one] === arg) next.add(one + 1);
    if (isFlag(arg) || mayBeValue) next.add(one);
  }
  return next;
};

const wordsFollow = (words: readonly string[], args: readonly string[]): boolean => {
  let at: ReadonlySet<number> = new Set([0]);
  let mayBeValue = false;
  for (const arg of args) {
    if (at.has(words.length)) return true;
    at = step(words, at, arg, mayBeValue);
    if (at.size === 0) return false;
    mayBeValue = isFlag(arg) && arg !== '--' && !arg.includes('=');
  }
  return at.has(words.length);
};

/** @returns the entry that blocks the command, or null. An entry without words blocks the program. */
export const matchCommand = (blocked: readonly string[], argv: readonly string[]): string | null => {
  const [program = '', ...args] = argv;
  const found = blocked.find((entry) => {
    const [name = '', ...words] = entry.trim().split(/\s+/);
    return name !== '' && baseName(name) === baseName(program) && wordsFollow(words, args);
  });
  return found ?? null;
};
