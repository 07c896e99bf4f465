/**
 * The entry in a TOML file: a table `[container.name]` with its own tables, put in at the end of the file and taken out again.
 * smol-toml parses; the edit is of the text, since no library that keeps comments keeps every byte.
 */
import { parse, stringify, TomlError } from 'smol-toml';
import { isObject, type Entry } from './client.js';
import { lineEndOf, problemAt, positionOf, without, type OpenDocument, type Spot } from './document.js';
import { statementsOf, type Statement } from './toml-statements.js';

const read = (text: string, file: string): Readonly<Record<string, unknown>> => {
  try {
    return parse(text);
  } catch (thrown) {
    if (!(thrown instanceof TomlError)) throw thrown;
    const [first = ''] = thrown.message.split('\n');
    throw problemAt(file, thrown, `no valid TOML: ${first.replace(/^Invalid TOML document: /, '')}`);
  }
};

const block = (entry: Entry, { container, name }: Spot, lineEnd: string): string =>
  stringify({ [container]: { [name]: entry } })
    .trim()
    .replaceAll('\n', lineEnd);

/** The header of the entry or of a table below it. */
const isOwn = ({ container, name }: Spot, header: readonly string[]): boolean => header[0] === container && header[1] === name;

/** From each own header to the end of the last statement in it. Comments before the next header are not ours. */
const ownRanges = (statements: readonly Statement[], spot: Spot): readonly (readonly [number, number])[] => {
  const ranges: [number, number][] = [];
  let isInside = false;
  for (const { from, to, header } of statements) {
    const wasInside = isInside;
    if (header) isInside = isOwn(spot, header);
    const last = ranges.at(-1);
    if (!isInside) continue;
    // A table below it that follows at once belongs to the same range, with the blank line between.
    if (wasInside && last) last[1] = to;
    else ranges.push([from, to]);
  }
  return ranges;
};

const elsewhere = (text: string, { file, container, name }: Spot): Error =>
  problemAt(file, positionOf(text, 0), `${container}.${name} is there, but not as a table [${container}.${name}]`, {
    expected: `[${container}.${name}]`,
    found: 'an inline table or dotted keys',
  });

/** Behind whatever the file ends with: a blank line and the block, with a line end only if the file has one. */
const append = (text: string, body: string, lineEnd: string): string => {
  if (text === '') return `${body}${lineEnd}`;
  return text.endsWith('\n') ? `${text}${lineEnd}${body}${lineEnd}` : `${text}${lineEnd}${lineEnd}${body}`;
};

const removals = (text: string, ranges: readonly (readonly [number, number])[]): { likely: string[]; plain: string } => {
  const lineEnd = lineEndOf(text);
  const plain = without(text, ranges);
  const from = ranges[0]?.[0] ?? 0;
  // One line end ends the line before, two make a blank line that was put in with the entry.
  const hasBlank = plain.slice(0, from).endsWith(lineEnd.repeat(2));
  const before = [1, 2]
    .map((count) => lineEnd.repeat(count))
    .filter((added) => plain.slice(0, from).endsWith(added))
    .map((added) => plain.slice(0, from - added.length) + plain.slice(from));
  return { likely: [...before, plain], plain: hasBlank ? (before[0] ?? plain) : plain };
};

const othersOf = (value: Readonly<Record<string, unknown>>, { container, name }: Spot): unknown => {
  const inside = Object.hasOwn(value, container) ? value[container] : undefined;
  if (!isObject(inside)) return Object.entries(value);
  const rest = Object.entries(inside).filter(([key]) => key !== name);
  const root = Object.entries(value).filter(([key]) => key !== container);
  return rest.length === 0 ? root : [...root, [container, rest]];
};

/** @throws AirlockError CONFIG_INVALID */
export const openToml: OpenDocument = (text, spot) => {
  const value = read(text, spot.file);
  const inside = Object.hasOwn(value, spot.container) ? value[spot.container] : {};
  if (!isObject(inside))
    throw problemAt(spot.file, positionOf(text, 0), `${spot.container} is no table`, { expected: 'table', found: typeof inside });
  const entry = Object.hasOwn(inside, spot.name) ? inside[spot.name] : undefined;
  const ranges = ownRanges(statementsOf(text), spot);
  if (entry !== undefined && ranges.length === 0) throw elsewhere(text, spot);
  const lineEnd = lineEndOf(text);
  return {
    entry,
    insert: (wanted) => append(text, block(wanted, spot, lineEnd), lineEnd),
    replace: (wanted) => {
      const [first, ...rest] = ranges;
      if (!first) return text;
      const end = text.slice(...first).endsWith('\n') ? lineEnd : '';
      const shorter = without(text, rest);
      return shorter.slice(0, first[0]) + block(wanted, spot, lineEnd) + end + shorter.slice(first[1]);
    },
    removals: () => removals(text, ranges),
    others: () => othersOf(value, spot),
  };
};
