/** The layout of a request's text: a label column, continuation lines below the value, the match number last. */

export interface Line {
  readonly label: string;
  readonly value: string;
}

/** `  label    value`: two spaces, a label of eight characters at most, one space. */
const LABEL_WIDTH = 8;

/** Members by name: a text has one order of them. */
export const membersOf = <T>(object: Readonly<Record<string, T>>): readonly (readonly [string, T])[] =>
  Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1));

/** One line of a text. */
export const layOutLine = ({ label, value }: Line): string => `  ${label.padEnd(LABEL_WIDTH)} ${value}`;

/** One line for each value; the label stands at the first. */
export const listLines = (label: string, values: readonly string[]): Line[] =>
  values.map((value, index) => ({ label: index === 0 ? label : '', value }));

/** The whole text: title, empty line, lines. No line feed at the end. */
export const layOutText = (title: string, lines: readonly Line[]): string => [title, '', ...lines.map(layOutLine)].join('\n');
