/** Reads JSON and JSONC into a tree with offsets (jsonc-parser), and finds the entry in it. */
import { createScanner, parseTree, printParseErrorCode, type Node, type ParseError } from 'jsonc-parser';
import type { Format } from './client.js';
import { MAX_DEPTH, positionOf, problemAt, type Spot } from './document.js';

// Values of jsonc-parser's SyntaxKind and ScanError, which are const enums of its own build.
const OPENING: readonly number[] = [1, 3];
const CLOSING: readonly number[] = [2, 4];
const COMMA = 5;
const LINE_COMMENT = 12;
const END = 17;

/** Which member is where: the root object, the container's property and the entry's property. */
export interface JsonSpot {
  readonly root: Node | undefined;
  readonly container: Node | undefined;
  readonly entry: Node | undefined;
}

export const keyOf = (property: Node): string => String(property.children?.[0]?.value);
export const valueOf = (property: Node): Node => property.children?.[1] ?? property;
export const propertiesOf = (object: Node | undefined): readonly Node[] => object?.children ?? [];
export const endOf = ({ offset, length }: Node): number => offset + length;

/** The parser goes down one call a level; the scanner does not. */
const checkDepth = (text: string, file: string): void => {
  const scanner = createScanner(text, true);
  let depth = 0;
  for (let kind: number = scanner.scan(); kind !== END; kind = scanner.scan()) {
    if (OPENING.includes(kind)) depth += 1;
    if (CLOSING.includes(kind)) depth -= 1;
    if (depth > MAX_DEPTH)
      throw problemAt(file, positionOf(text, scanner.getTokenOffset()), `is nested deeper than ${MAX_DEPTH} levels`);
  }
};

const words = (code: ParseError['error']): string =>
  printParseErrorCode(code)
    .replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter}`)
    .toLowerCase();

/** A comment where the client takes none is the one problem whose name alone does not say what is wrong. */
const explain = (code: ParseError['error'], format: Format): string =>
  words(code) === 'invalid comment token' && format === 'json'
    ? 'a comment, which this client does not read'
    : `no valid JSON: ${words(code)}`;

const checkObject = (node: Node, what: string, text: string, file: string): void => {
  if (node.type === 'object') return;
  const detail = { expected: 'object', found: node.type };
  throw problemAt(file, positionOf(text, node.offset), `${what} is no object but ${node.type}`, detail);
};

/** Which of two counts depends on who reads, so neither is edited. */
const onlyOne = (object: Node | undefined, key: string, text: string, file: string): Node | undefined => {
  const [first, second] = propertiesOf(object).filter((property) => keyOf(property) === key);
  if (second) throw problemAt(file, positionOf(text, second.offset), `"${key}" is there twice`);
  return first;
};

/** @throws AirlockError CONFIG_INVALID where this client could not read the file either, or the spot is ambiguous */
export const findInJson = (text: string, format: Format, { file, container: name, name: entryName }: Spot): JsonSpot => {
  checkDepth(text, file);
  const errors: ParseError[] = [];
  const options = { disallowComments: format === 'json', allowTrailingComma: format === 'jsonc', allowEmptyContent: true };
  const root = parseTree(text, errors, options);
  const [error] = errors;
  if (error) throw problemAt(file, positionOf(text, error.offset), explain(error.error, format));
  if (!root) return { root: undefined, container: undefined, entry: undefined };
  checkObject(root, 'the file', text, file);
  const container = onlyOne(root, name, text, file);
  if (container) checkObject(valueOf(container), `"${name}"`, text, file);
  return { root, container, entry: onlyOne(container && valueOf(container), entryName, text, file) };
};

/** The value of a node. `__proto__` is a member like any other. */
export const plainValue = (node: Node): unknown => {
  if (node.type === 'array') return (node.children ?? []).map(plainValue);
  if (node.type !== 'object') return node.value as unknown;
  return Object.fromEntries(propertiesOf(node).map((property) => [keyOf(property), plainValue(valueOf(property))]));
};

interface Trail {
  /** Behind the last thing that is no white space. */
  readonly end: number;
  /** Does a comment end there that lasts to the end of its line? */
  readonly isLineComment: boolean;
  /** The first comma on the way. */
  readonly comma: number | null;
}

/** What stands between two offsets, of which the first is behind a value or an opening brace. */
export const trailOf = (text: string, from: number, stop: number): Trail => {
  const scanner = createScanner(text.slice(0, stop), false);
  scanner.setPosition(from);
  let trail: Trail = { end: from, isLineComment: false, comma: null };
  for (let kind: number = scanner.scan(); kind !== END; kind = scanner.scan()) {
    const [token, end] = [scanner.getTokenOffset(), scanner.getTokenOffset() + scanner.getTokenLength()];
    if (text.slice(token, end).trim() === '') continue;
    trail = { end, isLineComment: kind === LINE_COMMENT, comma: trail.comma ?? (kind === COMMA ? token : null) };
  }
  return trail;
};
