/**
 * A configuration file as text with one place in it: the entry of one name in one container. Each format implements it.
 * An edit is text put in or taken out at that place; nothing is ever written anew from what was parsed.
 */
import { AirlockError } from '@airlock/protocol';
import type { Entry } from './client.js';

/** Deeper nesting is no configuration, and takes a parser's stack. */
export const MAX_DEPTH = 400;

/** Where in which file the entry is looked for. */
export interface Spot {
  /** For messages. */
  readonly file: string;
  readonly container: string;
  readonly name: string;
}

export interface ConfigDocument {
  /** The entry as parsed; undefined where there is none. Not always an object: others write the file too. */
  readonly entry: unknown;
  /** The text with the entry put in. Only where there is none. */
  insert(entry: Entry): string;
  /** The text with the value of the entry replaced. Only where there is one. */
  replace(entry: Entry): string;
  /** Texts with the entry taken out, likely ones of before it was put in first, and the one that takes out nothing else. */
  removals(): { readonly likely: readonly string[]; readonly plain: string };
  /** Everything but the entry, to be compared; an empty container counts as none. */
  others(): unknown;
}

/** Parses a text. @throws AirlockError CONFIG_INVALID with file, line and column */
export type OpenDocument = (text: string, spot: Spot) => ConfigDocument;

/** Line and column from 1, as editors count. */
export const positionOf = (text: string, offset: number): { readonly line: number; readonly column: number } => {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - lineStart + 1 };
};

/** A file that cannot be taken as it is; its content is in no message. */
export const problemAt = (
  file: string,
  { line, column }: { readonly line: number; readonly column: number },
  what: string,
  detail: { readonly expected?: string; readonly found?: string } = {},
): AirlockError =>
  new AirlockError('CONFIG_INVALID', `${file}:${line}:${column}: ${what}`, {
    ...detail,
    hint: 'nothing was written; correct the file, then try again',
  });

/** The line end of the file: that of its first line. */
export const lineEndOf = (text: string): string => (/\r?\n/.exec(text)?.[0] === '\r\n' ? '\r\n' : '\n');

/** Offset where the line of this offset begins. */
export const lineStartOf = (text: string, offset: number): number => text.lastIndexOf('\n', offset - 1) + 1;

/** Takes ranges out; they do not overlap. */
export const without = (text: string, ranges: readonly (readonly [from: number, to: number])[]): string =>
  [...ranges].sort((a, b) => b[0] - a[0]).reduce((rest, [from, to]) => rest.slice(0, from) + rest.slice(to), text);
