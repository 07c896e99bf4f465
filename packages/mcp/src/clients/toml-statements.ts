/** Finds where the statements of a TOML text begin and end. The text was parsed before, so only what ends a statement matters. */

/** A table header or a key with its value: from the beginning of its line to behind its line end. */
export interface Statement {
  readonly from: number;
  readonly to: number;
  /** Names of a header, `[a."b.c"]`; null for a key with its value. */
  readonly header: readonly string[] | null;
}

/** Behind the closing quotes. Basic strings have escapes, literal ones none; three quotes span lines. */
const stringEnd = (text: string, at: number): number => {
  const quote = text[at] ?? '';
  const triple = quote.repeat(3);
  const isLong = text.startsWith(triple, at);
  const closing = isLong ? triple : quote;
  let next = at + closing.length;
  while (next < text.length && !text.startsWith(closing, next)) next += quote === '"' && text[next] === '\\' ? 2 : 1;
  next += closing.length;
  // Up to two quotes may stand before the closing three.
  while (isLong && text[next] === quote) next += 1;
  return next;
};

const lineEnd = (text: string, at: number): number => {
  const found = text.indexOf('\n', at);
  return found < 0 ? text.length : found;
};

/** Behind the line end of a statement that begins at `at`: strings, comments and open brackets are stepped over. */
const statementEnd = (text: string, at: number): number => {
  let depth = 0;
  let next = at;
  while (next < text.length) {
    const character = text[next] ?? '';
    if (character === '"' || character === "'") next = stringEnd(text, next);
    else if (character === '#') next = lineEnd(text, next);
    else {
      if ('[{'.includes(character)) depth += 1;
      if (']}'.includes(character)) depth -= 1;
      next += 1;
      if (character === '\n' && depth <= 0) return next;
    }
  }
  return text.length;
};

/** One name of a key: bare, or between quotes. */
const NAME = /\s*(?:("(?:[^"\\]|\\.)*")|'([^']*)'|([A-Za-z0-9_-]+))\s*(\.?)/y;

const namesOf = (text: string): readonly string[] => {
  const names: string[] = [];
  NAME.lastIndex = 0;
  for (let found = NAME.exec(text); found; found = NAME.exec(text)) {
    const [, quoted, literal, bare, dot] = found;
    names.push(quoted === undefined ? (literal ?? bare ?? '') : unescape(quoted));
    if (dot === '') break;
  }
  return names;
};

/** TOML has \UXXXXXXXX and \e besides the escapes of JSON. */
const unescape = (quoted: string): string => {
  const json = quoted
    .replaceAll(/\\U([0-9a-fA-F]{8})/g, (_, hex: string) => JSON.stringify(String.fromCodePoint(parseInt(hex, 16))).slice(1, -1))
    .replaceAll('\\e', '\\u001b');
  try {
    return JSON.parse(json) as string;
  } catch {
    return quoted;
  }
};

/** All statements in order; blank lines and comments are between them. */
export const statementsOf = (text: string): readonly Statement[] => {
  const statements: Statement[] = [];
  let at = 0;
  while (at < text.length) {
    const start = at + (/^[ \t]*/.exec(text.slice(at, at + 1024))?.[0].length ?? 0);
    const first = text[start] ?? '';
    if (first === '' || '#\r\n'.includes(first)) {
      at = Math.min(lineEnd(text, start) + 1, text.length);
      continue;
    }
    const to = statementEnd(text, start);
    const isList = text.startsWith('[[', start);
    const header = first === '[' ? namesOf(text.slice(start + (isList ? 2 : 1), to)) : null;
    statements.push({ from: at, to, header });
    at = to;
  }
  return statements;
};
