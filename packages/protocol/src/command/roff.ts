/** Manual pages in the `man` macros that groff and mandoc both read. Text is escaped here and nowhere else. */

/** A paragraph, a list of terms, blocks set further in, or lines kept as they are. */
export type Block =
  | string
  | Span
  | { readonly terms: readonly (readonly [term: Span, text: string])[] }
  | { readonly under: readonly Block[] }
  | { readonly lines: readonly string[] };

/** Words in bold, placeholders in italics, in the order they are read. */
export type Span = readonly { readonly text: string; readonly as: 'bold' | 'italic' | 'plain' }[];

export interface Page {
  readonly name: string;
  readonly section: number;
  readonly title: string;
  readonly sections: readonly { readonly head: string; readonly blocks: readonly Block[] }[];
}

/** Day of the manual and the version it is about; in the page instead of the day of building, so that building again gives the same bytes. */
const MANUAL_OF = { day: '2026-11-20', version: 'Airlock 0.1.0' };

/** Widest indentation of a term, in characters. */
const INDENT = 8;

const point = (character: string): string =>
  `\\[u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`;

/** A hyphen is a minus sign, so that a command can be copied; a backslash, a dot or a quote begins no request. */
const escape = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/[^\x20-\x7e]/gu, point)
    .replaceAll("'", '\\(aq')
    .replace(/^\./, '\\&.');

const FONTS = { bold: 'B', italic: 'I', plain: 'R' } as const;

const span = (parts: Span): string => {
  const text = parts.map((part) => `\\f${FONTS[part.as]}${escape(part.text)}`).join('');
  return `${text}\\fR`;
};

/** One word in bold. */
export const bold = (text: string): Span => [{ text, as: 'bold' }];

const isSpan = (block: Block): block is Span => Array.isArray(block);

const blockLines = (block: Block): string[] => {
  if (typeof block === 'string') return ['.PP', escape(block)];
  if (isSpan(block)) return ['.PP', span(block)];
  if ('lines' in block) return ['.PP', '.in +4n', '.nf', ...block.lines.map(escape), '.fi', '.in'];
  if ('under' in block) return [`.RS ${INDENT}`, ...block.under.flatMap(blockLines), '.RE'];
  return block.terms.flatMap(([term, text]) => [`.TP ${INDENT}`, span(term), escape(text)]);
};

/** `.PP` behind a heading is what mandoc complains about. */
const sectionLines = (head: string, blocks: readonly Block[]): string[] => {
  const lines = blocks.flatMap(blockLines);
  return [`.SH "${head}"`, ...(lines[0] === '.PP' ? lines.slice(1) : lines)];
};

/** The source of a page, ending with a line end. */
export const manualPage = ({ name, section, title, sections }: Page): string =>
  [
    `.TH "${name.toUpperCase()}" ${section} ${MANUAL_OF.day} "${MANUAL_OF.version}" "Airlock"`,
    '.SH NAME',
    `${escape(name)} \\- ${escape(title)}`,
    ...sections.flatMap(({ head, blocks }) => sectionLines(head, blocks)),
    '',
  ].join('\n');
