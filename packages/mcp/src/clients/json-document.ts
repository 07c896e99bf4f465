/** The entry in a JSON or JSONC file: put in at the end of its container in the file's own indentation and line ends, and taken out again. */
import type { Node } from 'jsonc-parser';
import type { Format } from './client.js';
import { lineEndOf, lineStartOf, without, type OpenDocument } from './document.js';
import { endOf, findInJson, keyOf, plainValue, propertiesOf, trailOf, valueOf, type JsonSpot } from './json-tree.js';

const DEFAULT_UNIT = '  ';
/** JSON.stringify takes no more. */
const MAX_UNIT = 10;

const indentAt = (text: string, offset: number): string => /^[ \t]*/.exec(text.slice(lineStartOf(text, offset)))?.[0] ?? '';

/** Does nothing but indentation stand before it on its line? */
const startsLine = (text: string, offset: number): boolean => /^[ \t]*$/.test(text.slice(lineStartOf(text, offset), offset));

/** One step of indentation: that of the first member of the file which begins a line. */
const unitOf = (text: string, root: Node | undefined): string => {
  const [first] = propertiesOf(root);
  const indent = first && startsLine(text, first.offset) ? indentAt(text, first.offset) : '';
  return indent === '' ? DEFAULT_UNIT : indent.slice(0, MAX_UNIT);
};

interface Style {
  readonly unit: string;
  readonly lineEnd: string;
  /** The whole file on one line. */
  readonly isDense: boolean;
}

const styleOf = (text: string, root: Node | undefined): Style => ({
  unit: unitOf(text, root),
  lineEnd: lineEndOf(text),
  isDense: propertiesOf(root).length > 0 && !text.trimEnd().includes('\n'),
});

const pretty = (value: unknown, indent: string, { unit, lineEnd }: Style): string =>
  JSON.stringify(value, null, unit).replaceAll('\n', `${lineEnd}${indent}`);

/** Puts a member at the end of an object: on its line if it has only one, else on a new one. */
const insertMember = (text: string, object: Node, key: string, value: unknown, style: Style): string => {
  const close = endOf(object) - 1;
  const members = propertiesOf(object);
  const last = members.at(-1);
  const open = object.offset + 1;
  const { end, comma } = trailOf(text, last ? endOf(last) : open, close);
  const trailing = comma === null ? '' : ',';
  const head = last && comma === null ? `${text.slice(0, endOf(last))},${text.slice(endOf(last), end)}` : text.slice(0, end);
  const rest = text.slice(end);
  // With the closing brace on the line of the last member, a line of its own could not be told from one that was there.
  if (!text.slice(end, close).includes('\n') && (last ?? style.isDense)) {
    const gap = /^[ \t]*/.exec(text.slice(open, close))?.[0] ?? '';
    return `${head}${last ? gap : ''}${JSON.stringify(key)}:${gap}${JSON.stringify(value)}${trailing}${rest}`;
  }
  const outer = indentAt(text, object.offset);
  const indent = last && startsLine(text, last.offset) ? indentAt(text, last.offset) : outer + style.unit;
  const closing = text.slice(end, close).includes('\n') ? '' : `${style.lineEnd}${outer}`;
  const member = `${style.lineEnd}${indent}${JSON.stringify(key)}: ${pretty(value, indent, style)}${trailing}`;
  return `${head}${member}${closing}${rest}`;
};

/** Does the line go on, so that a comment before it would swallow the rest? */
const goesOn = (text: string, offset: number): boolean => !/^[ \t]*(?:\r?\n|$)/.test(text.slice(offset, offset + 256));

/** Without the member and the white space before it; commas stay right. Comments around it stay. */
const removeMember = (text: string, object: Node, property: Node): string => {
  const members = propertiesOf(object);
  const at = members.indexOf(property);
  const [before, after] = [members[at - 1], members[at + 1]];
  const leading = trailOf(text, before ? endOf(before) : object.offset + 1, property.offset);
  const { comma: commaAfter } = trailOf(text, endOf(property), after ? after.offset : endOf(object) - 1);
  const comma = commaAfter ?? (after ? null : leading.comma);
  const isKept = leading.isLineComment && goesOn(text, Math.max(endOf(property), (comma ?? 0) + 1));
  const from = isKept ? property.offset : leading.end;
  return without(text, [[from, endOf(property)], ...(comma === null ? [] : [[comma, comma + 1] as const])]);
};

/** Without the member, and without the line end and indentation that was put before a closing brace with it. */
const removalsOf = (text: string, object: Node, property: Node): readonly string[] => {
  const removed = removeMember(text, object, property);
  const close = endOf(object) - 1 - (text.length - removed.length);
  const added = `${lineEndOf(text)}${indentAt(text, object.offset)}`;
  const from = removed.lastIndexOf(added, close - added.length);
  const isBefore = from >= 0 && removed.slice(from + added.length, close).trim() === '';
  return isBefore ? [removed, removed.slice(0, from) + removed.slice(from + added.length)] : [removed];
};

const likelyTexts = (text: string, { root, container, entry }: JsonSpot): readonly string[] => {
  if (!root || !container || !entry) return [];
  const fromContainer = removalsOf(text, valueOf(container), entry);
  if (propertiesOf(valueOf(container)).length > 1) return fromContainer;
  const fromRoot = removalsOf(text, root, container);
  const alone = propertiesOf(root).length > 1 ? [] : bare(text, root);
  return [...fromRoot, ...fromContainer, ...alone];
};

/** Only what stood around the root object. */
const bare = (text: string, root: Node): readonly string[] => {
  const lineEnd = lineEndOf(text);
  const [before, after] = [text.slice(0, root.offset), text.slice(endOf(root))];
  const shorter = after.startsWith(lineEnd) ? [before + after.slice(lineEnd.length)] : [];
  return [...shorter, before + after, ...(before.endsWith(lineEnd) ? [before.slice(0, -lineEnd.length) + after] : [])];
};

/** Text of every other member in order: not one byte of a value may change. */
const otherMembers = (text: string, { root, container, entry }: JsonSpot): unknown => {
  const raw = (property: Node): readonly string[] => [keyOf(property), text.slice(property.offset, endOf(property))];
  const inside = propertiesOf(container && valueOf(container)).filter((property) => property !== entry);
  return {
    root: propertiesOf(root)
      .filter((property) => property !== container)
      .map(raw),
    container: inside.map(raw),
  };
};

/** In a file that has no value yet. */
const newFile = (text: string, value: unknown, style: Style): string => {
  const body = pretty(value, '', style);
  return text === '' || text.endsWith('\n') ? `${text}${body}${style.lineEnd}` : `${text}${style.lineEnd}${body}`;
};

/** For one of the formats of JSON. */
export const openJson =
  (format: Format): OpenDocument =>
  (text, spot) => {
    const found = findInJson(text, format, spot);
    const { root, container, entry } = found;
    const style = styleOf(text, root);
    return {
      entry: entry && plainValue(valueOf(entry)),
      insert: (value) => {
        if (!root) return newFile(text, { [spot.container]: { [spot.name]: value } }, style);
        if (!container) return insertMember(text, root, spot.container, { [spot.name]: value }, style);
        return insertMember(text, valueOf(container), spot.name, value, style);
      },
      replace: (value) => {
        if (!entry) return text;
        const old = valueOf(entry);
        const isLine = !startsLine(text, entry.offset) && !text.slice(old.offset, endOf(old)).includes('\n');
        const body = isLine ? JSON.stringify(value) : pretty(value, indentAt(text, entry.offset), style);
        return text.slice(0, old.offset) + body + text.slice(endOf(old));
      },
      removals: () => ({
        likely: likelyTexts(text, found),
        plain: container && entry ? removeMember(text, valueOf(container), entry) : text,
      }),
      others: () => otherMembers(text, found),
    };
  };
