/** Names against patterns: `*` any text, `?` one character, everything else itself. Linear in the text for a pattern of bounded length. */

export type Matches = (text: string) => boolean;

/** Two pointers and the last star: no pattern backtracks further than to it. */
const matchGlob = (pattern: readonly string[], text: readonly string[]): boolean => {
  let [at, from, star, mark] = [0, 0, -1, 0];
  while (from < text.length) {
    const wanted = pattern[at];
    if (wanted === '*') {
      star = at;
      mark = from;
      at += 1;
    } else if (wanted !== undefined && (wanted === '?' || wanted === text[from])) {
      at += 1;
      from += 1;
    } else if (star >= 0) {
      at = star + 1;
      mark += 1;
      from = mark;
    } else return false;
  }
  return pattern.slice(at).every((one) => one === '*');
};

export const compileGlob = (pattern: string): Matches => {
  if (pattern === '*') return () => true;
  if (!/[*?]/.test(pattern)) return (text) => text === pattern;
  const parts = Array.from(pattern.replaceAll(/\*+/g, '*'));
  // Most rules are about something else, which their first letters say.
  const [prefix = ''] = pattern.split(/[*?]/, 1);
  return (text) => text.startsWith(prefix) && matchGlob(parts, Array.from(text));
};

/** True where one of the patterns matches; where there are none, everything does. */
export const compileGlobs = (patterns: readonly string[] | undefined): Matches => {
  if (patterns === undefined) return () => true;
  const matchers = patterns.map(compileGlob);
  return (text) => matchers.some((matches) => matches(text));
};
