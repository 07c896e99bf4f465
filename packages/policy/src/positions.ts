/** Where each member of a JSON text stands, so that a complaint can name its line. The text has been parsed before. */

export interface Position {
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

/** Strings, and the marks that structure is made of; a text without line feeds in strings, as JSON has it. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;

interface Level {
  readonly kind: 'object' | 'array';
  readonly path: string;
  /** The key or index that is read now. */
  at: string;
  isKey: boolean;
  index: number;
}

const join = (path: string, at: string): string => (path === '' ? at : `${path}.${at}`);

/** Offset of each key, and of each item that is an object or a list, by its path: `rules.2.decision`. */
const offsets = (text: string): ReadonlyMap<string, number> => {
  const found = new Map<string, number>([['', 0]]);
  const levels: Level[] = [];
  const pathNow = (): string => {
    const level = levels.at(-1);
    return level === undefined ? '' : join(level.path, level.at);
  };
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    const level = levels.at(-1);
    if (token === '{' || token === '[') {
      if (!found.has(pathNow())) found.set(pathNow(), index);
      levels.push({ kind: token === '{' ? 'object' : 'array', path: pathNow(), at: '0', isKey: token === '{', index: 0 });
    } else if (token === '}' || token === ']') levels.pop();
    else if (level === undefined) continue;
    else if (token === ':') level.isKey = false;
    else if (token === ',') {
      level.isKey = level.kind === 'object';
      level.index += 1;
      if (level.kind === 'array') level.at = String(level.index);
    } else if (level.isKey) {
      level.at = String(JSON.parse(token));
      found.set(pathNow(), index);
    } else if (level.kind === 'array') found.set(pathNow(), index);
  }
  return found;
};

/** The position of the longest part of the path that the text has. */
export const positionOf = (text: string, path: string): Position => {
  const known = offsets(text);
  let at = path;
  let offset = known.get(at);
  while (offset === undefined) {
    at = at.includes('.') ? at.slice(0, at.lastIndexOf('.')) : '';
    offset = known.get(at);
  }
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { line, column: before.length - before.lastIndexOf('\n') };
};
