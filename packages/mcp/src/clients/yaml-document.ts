/** The entry in a YAML file: lines put in at the end of its mapping and taken out again, at the places the `yaml` package names. */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  stringify,
  type Document,
  type Node,
  type Pair,
  type YAMLMap,
} from 'yaml';
import type { Entry } from './client.js';
import { lineEndOf, lineStartOf, positionOf, problemAt, type OpenDocument, type Spot } from './document.js';

const STEP = '  ';
const MAX_ALIASES = 100;

const rangeOf = (node: unknown): readonly [number, number] => {
  const range = (node as Partial<Node> | null)?.range;
  return range ? [range[0], range[1]] : [0, 0];
};

const keyText = ({ key }: Pair): string => (isScalar(key) ? String(key.value) : String(key));

const find = (map: unknown, key: string): Pair | undefined =>
  isMap(map) ? map.items.find((pair) => keyText(pair) === key) : undefined;

/** @throws AirlockError CONFIG_INVALID: what is broken, or two documents, of which one cannot tell which is read */
const read = (text: string, file: string): Document => {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    keepSourceTokens: false,
    uniqueKeys: true,
    prettyErrors: false,
    logLevel: 'error',
  });
  const [error] = document.errors;
  if (error) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw problemAt(file, { line, column: col }, `no valid YAML: ${error.message.split('\n')[0] ?? ''}`);
  }
  return document;
};

const checkMap = (node: unknown, what: string, text: string, file: string): void => {
  if (node === null || node === undefined || isMap(node) || (isScalar(node) && node.value === null)) return;
  const at = positionOf(text, rangeOf(node)[0]);
  throw problemAt(file, at, `${what} is no mapping`, { expected: 'a mapping', found: 'another value' });
};

/** Behind the line end of the line in which `offset` is; `offset` itself where a line begins there. */
const nextLine = (text: string, offset: number): number => {
  if (offset > 0 && text[offset - 1] === '\n') return offset;
  const found = text.indexOf('\n', offset);
  return found < 0 ? text.length : found + 1;
};

/** Behind the last line of a pair. */
const pairEnd = (text: string, { key, value }: Pair): number => nextLine(text, Math.max(rangeOf(key)[1], rangeOf(value)[1]));

/** Where its key stands on its line, as white space. */
const indentOf = (text: string, pair: Pair): string => {
  const [from] = rangeOf(pair.key);
  return ' '.repeat(from - lineStartOf(text, from));
};

const block = (value: unknown, indent: string, lineEnd: string): string =>
  stringify(value, { indent: STEP.length, lineWidth: 0 })
    .trimEnd()
    .split('\n')
    .map((line) => `${indent}${line}`)
    .join(lineEnd);

/** Whole lines put in at `at`; behind a last line without line end, none is added. */
const putLines = (text: string, at: number, lines: string, lineEnd: string): string => {
  const [before, after] = [text.slice(0, at), text.slice(at)];
  const isOpen = before !== '' && !before.endsWith('\n');
  return isOpen ? `${before}${lineEnd}${lines}${after}` : `${before}${lines}${lineEnd}${after}`;
};

/** A member of a mapping between braces is written as JSON, which is YAML. */
const insertFlow = (text: string, map: YAMLMap, name: string, value: unknown): string => {
  const close = rangeOf(map)[1] - 1;
  const last = map.items.at(-1);
  const from = last ? Math.max(rangeOf(last.key)[1], rangeOf(last.value)[1]) : rangeOf(map)[0] + 1;
  const glue = last && !text.slice(from, close).includes(',') ? ', ' : ' ';
  return `${text.slice(0, from)}${glue}${JSON.stringify(name)}: ${JSON.stringify(value)}${text.slice(from)}`;
};

const isEmptyFlow = (map: unknown): boolean => isMap(map) && map.flow === true && map.items.length === 0;

const insert = (text: string, document: Document, { container, name }: Spot, entry: Entry): string => {
  const lineEnd = lineEndOf(text);
  const pair = find(document.contents, container);
  if (!pair) {
    const [first] = isMap(document.contents) ? document.contents.items : [];
    const indent = first ? indentOf(text, first) : '';
    return putLines(text, text.length, block({ [container]: { [name]: entry } }, indent, lineEnd), lineEnd);
  }
  const lines = (indent: string): string => block({ [name]: entry }, indent, lineEnd);
  const { value } = pair;
  if (isMap(value) && value.items.length > 0) {
    if (value.flow === true) return insertFlow(text, value, name, entry);
    const last = value.items.at(-1) ?? pair;
    return putLines(text, pairEnd(text, last), lines(indentOf(text, last)), lineEnd);
  }
  // `{}` goes, and what follows it on its line stays.
  const [from, to] = isEmptyFlow(value) ? rangeOf(value) : [0, 0];
  const start = from > 0 && text[from - 1] === ' ' ? from - 1 : from;
  const opened = text.slice(0, start) + text.slice(to);
  const at = nextLine(opened, rangeOf(pair.key)[1]);
  return putLines(opened, at, lines(indentOf(text, pair) + STEP), lineEnd);
};

const removeLines = (text: string, pair: Pair): string => {
  const from = lineStartOf(text, rangeOf(pair.key)[0]);
  const to = pairEnd(text, pair);
  // The last line had no line end, so the line before it had none before it was put in.
  const isOpen = to === text.length && !text.endsWith('\n');
  const before = text.slice(0, from);
  return (isOpen ? before.replace(/\r?\n$/, '') : before) + text.slice(to);
};

const removeFlow = (text: string, map: YAMLMap, pair: Pair): string => {
  const at = map.items.indexOf(pair);
  const [from, to] = [rangeOf(pair.key)[0], rangeOf(pair.value)[1]];
  const [before, after] = [map.items[at - 1], map.items[at + 1]];
  if (after) return text.slice(0, from) + text.slice(rangeOf(after.key)[0]);
  if (!before) return text.slice(0, rangeOf(map)[0] + 1) + text.slice(to);
  return text.slice(0, Math.max(rangeOf(before.key)[1], rangeOf(before.value)[1])) + text.slice(to);
};

const removals = (text: string, document: Document, { container, name }: Spot): { likely: string[]; plain: string } => {
  const outer = find(document.contents, container);
  const pair = find(outer?.value, name);
  if (!outer || !pair || !isMap(outer.value)) return { likely: [], plain: text };
  if (outer.value.flow === true) {
    const plain = removeFlow(text, outer.value, pair);
    return { likely: [plain], plain };
  }
  const rest = removeLines(text, pair);
  if (outer.value.items.length > 1) return { likely: [rest], plain: rest };
  const colon = text.indexOf(':', rangeOf(outer.key)[1]) + 1;
  const empty = `${rest.slice(0, colon)} {}${rest.slice(colon)}`;
  return { likely: [removeLines(text, outer), empty, rest], plain: empty };
};

/** Values with anchors and tags, in order. An alias stays an alias: what those stand for may be without bound. */
const shapeOf = (node: unknown): unknown => {
  if (isAlias(node)) return ['alias', node.source];
  if (isScalar(node)) return ['scalar', node.value, node.tag, node.anchor];
  if (isMap(node)) return ['map', node.tag, node.anchor, node.items.map((pair) => [shapeOf(pair.key), shapeOf(pair.value)])];
  if (isSeq(node)) return ['list', node.tag, node.anchor, node.items.map(shapeOf)];
  return node;
};

const othersOf = (document: Document, { container, name }: Spot): unknown => {
  const pairs = (map: unknown): readonly Pair[] => (isMap(map) ? map.items : []);
  const shape = ({ key, value }: Pair): unknown => [shapeOf(key), shapeOf(value)];
  const inside = pairs(find(document.contents, container)?.value).filter((pair) => keyText(pair) !== name);
  const root = pairs(document.contents).filter((pair) => keyText(pair) !== container);
  return { root: root.map(shape), container: inside.map(shape) };
};

/** Undefined where there is none. @throws AirlockError CONFIG_INVALID where its aliases stand for too much */
const entryOf = (text: string, document: Document, own: Pair | undefined, file: string): unknown => {
  if (!own) return undefined;
  const value = own.value as Node | null;
  try {
    return value?.toJS(document, { maxAliasCount: MAX_ALIASES }) ?? null;
  } catch {
    throw problemAt(file, positionOf(text, rangeOf(own.key)[0]), 'the entry has aliases that stand for too much');
  }
};

/** @throws AirlockError CONFIG_INVALID */
export const openYaml: OpenDocument = (text, spot) => {
  const document = read(text, spot.file);
  checkMap(document.contents, 'the file', text, spot.file);
  const pair = find(document.contents, spot.container);
  checkMap(pair?.value, spot.container, text, spot.file);
  const own = find(pair?.value, spot.name);
  return {
    entry: entryOf(text, document, own, spot.file),
    insert: (entry) => insert(text, document, spot, entry),
    replace: (entry) => {
      if (!own || !isMap(pair?.value)) return text;
      if (pair.value.flow === true) {
        const [from, to] = rangeOf(own.value);
        return text.slice(0, from) + JSON.stringify(entry) + text.slice(to);
      }
      const lines = block({ [spot.name]: entry }, indentOf(text, own), lineEndOf(text));
      const from = lineStartOf(text, rangeOf(own.key)[0]);
      const to = pairEnd(text, own);
      return text.slice(0, from) + lines + (text.slice(from, to).endsWith('\n') ? lineEndOf(text) : '') + text.slice(to);
    },
    removals: () => removals(text, document, spot),
    others: () => othersOf(document, spot),
  };
};
