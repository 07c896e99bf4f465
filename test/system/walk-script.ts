/** What the README has people type, read out of its `console` blocks. */

export interface Block {
  /** Number of the block among those of its section, from 1. */
  readonly number: number;
  readonly lines: readonly string[];
}

/** Stands for any number of lines. */
export const GAP = '…';

const section = (markdown: string, heading: string): string => {
  const from = markdown.indexOf(`\n## ${heading}\n`);
  if (from < 0) throw new Error(`the README has no section ${heading}`);
  const to = markdown.indexOf('\n## ', from + 1);
  return markdown.slice(from, to < 0 ? undefined : to);
};

/** The `console` blocks of a section, in order. @throws Error where the section is missing */
export const blocksOf = (markdown: string, heading: string): Block[] =>
  [...section(markdown, heading).matchAll(/^```console\n(.*?)^```$/gms)].map(([, text = ''], index) => ({
    number: index + 1,
    lines: text.split('\n').filter((line) => line !== ''),
  }));

/** `ada$ command`: who types, and what; null for a line of output. */
export const typed = (line: string): { readonly user: string; readonly command: string } | null => {
  const [, user, command] = /^([a-z]+)\$ (.*)$/.exec(line) ?? [];
  return user === undefined || command === undefined ? null : { user, command };
};

/** What differs from one walk to the next, and its stand-in; first match wins. */
const VOLATILE: readonly (readonly [RegExp, string])[] = [
  [/\b[A-Z2-7]{4}(?: [A-Z2-7]{4}){4,}\b/g, 'SECRET'],
  [/\b[A-Z2-7]{4}(?:-[A-Z2-7]{4}){2,}\b/g, 'RECOVERY-CODE'],
  [/(?<![\w-])r-[0-9a-z]{6,}\b/g, 'r-REQUEST'],
  [/\bsession([ =])[0-9a-z]+/g, 'session$1SESSION'],
  [/\b[0-9a-f]{32,}\b/g, 'DIGEST'],
  [/(?<![\w/-])[A-Za-z0-9_-]{22}(?![\w/-])/g, 'LEASE'],
  [/\b\d{4}-\d{2}-\d{2}(?=\b|T)/g, 'DATE'],
  [/(?:(?<=DATE)T|\b)\d{2}:\d{2}(?::\d{2})?(?:\.\d+)?Z?(?!\d|:\d)/g, ' TIME'],
  [/\b0:\d{3}\b/g, '0:GID'],
  [/\bof uid \d{3}\b/g, 'of uid UID'],
  [/\b(match(?:es|ing)?:? +(?:number )?)\d{2}\b/gi, '$1NN'],
  [/\b\d+(?:\.\d+)? (?=(?:ms|s|min|h|seconds?|minutes?|hours?|records?|[KMGT]i?B)\b)/g, 'N '],
  [/\b\d+s\b/g, 'Ns'],
  [/\b\d+ (packages|validators|bytes|checks|probes)\b/g, 'N $1'],
  [/\b\d{6}\b/g, 'CODE'],
  [/: \d{2} CODE\b/g, ': NN CODE'],
  [/ {2,}/g, '  '],
];

/** A line with stand-ins for what differs from one walk to the next. */
export const settled = (line: string): string =>
  VOLATILE.reduce((text, [pattern, instead]) => text.replace(pattern, instead), line.trimEnd());

/** Said only where the human is faster than the next code. */
const isHaste = (line: string): boolean => line.startsWith('airlock: codes are held back');
const isQr = (line: string): boolean => /[█▀▄]/.test(line);

/** A screen as it is kept: settled, without its QR code and blank lines. */
export const settledScreen = (screen: string): string =>
  `${screen
    .split('\n')
    .map((line) => (isQr(line) ? '[QR code]' : settled(line)))
    .filter((line, index, all) => line !== '' && !isHaste(line) && !(line === '[QR code]' && all[index - 1] === line))
    .join('\n')}\n`;
