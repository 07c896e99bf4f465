/**
 * Command lines against `blocked_commands`: `terraform apply`, `kubectl delete`.
 *
 * COMMAND-1  the program is compared by its base name, whatever path it was called by.
 * COMMAND-2  the words of the entry have to follow in order, with nothing but flags and their values before and between them.
 * COMMAND-3  upper and lower case of the program are the same; those of its words are not.
 */

const baseName = (path: string): string => (path.split('/').at(-1) ?? path).toLowerCase();

const isFlag = (word: string): boolean => word.startsWith('-') && word !== '-' && word !== '--';

/**
 * True where the words come in order. A word that is neither the wanted one nor a flag is passed over only right behind a flag
 * that has no `=`: it may be that flag's value.
 */
const wordsFollow = (words: readonly string[], args: readonly string[]): boolean => {
  let at = 0;
  let mayBeValue = false;
  for (const arg of args) {
    if (at === words.length) return true;
    if (arg === words[at]) at += 1;
    else if (isFlag(arg)) {
      mayBeValue = !arg.includes('=');
      continue;
    } else if (!mayBeValue) return false;
    mayBeValue = false;
  }
  return at === words.length;
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
