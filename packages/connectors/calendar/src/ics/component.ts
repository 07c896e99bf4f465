/** The properties of one component that this connector knows, parsed by ical.js; everything else never reaches it. */
import ICAL from 'ical.js';
import { LIMITS } from '../limits.js';
import type { Block } from './scan.js';

/** One property as jCal has it (RFC 7265 §3.4): parameters in lower case, values decoded. */
export interface Property {
  readonly name: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly type: string;
  readonly values: readonly unknown[];
}

export interface Properties {
  readonly all: readonly Property[];
  /** Names of properties that were longer or more than the limits allow, or that ical.js could not read. */
  readonly cut: ReadonlySet<string>;
}

const LF = 10;
const FOLD = /^[ \t]/;
const NAME_BYTES = 64;
const MOST_LINES: Readonly<Record<string, number>> = {
  ATTENDEE: LIMITS.maxAttendees,
  EXDATE: LIMITS.maxDates,
  RDATE: LIMITS.maxDates,
};

/** Joins the physical lines of the wanted properties (RFC 5545 §3.1), on bytes, for a fold may split a character. */
class Unfolder {
  readonly lines: { readonly name: string; readonly text: string }[] = [];
  readonly cut = new Set<string>();
  readonly #wanted: ReadonlySet<string>;
  readonly #counts = new Map<string, number>();
  #name = '';
  #pieces: Buffer[] = [];
  #length = 0;
  /** 1 inside the component itself, more inside one that it holds. */
  #depth = 0;

  constructor(wanted: ReadonlySet<string>) {
    this.#wanted = wanted;
  }

  take(line: Buffer): void {
    const head = line.toString('latin1', 0, NAME_BYTES);
    if (FOLD.test(head)) return this.#continue(line.subarray(1));
    this.finish();
    const name = /^[A-Za-z0-9-]+(?=[;:])/.exec(head)?.[0].toUpperCase() ?? '';
    if (name === 'BEGIN') this.#depth += 1;
    else if (name === 'END') this.#depth -= 1;
    else if (this.#depth === 1 && this.#wanted.has(name) && this.#mayHaveOneMore(name)) {
      this.#name = name;
      this.#continue(line);
    }
  }

  finish(): void {
    if (this.#name !== '') this.lines.push({ name: this.#name, text: Buffer.concat(this.#pieces).toString('utf8') });
    this.#name = '';
    this.#pieces = [];
    this.#length = 0;
  }

  #mayHaveOneMore(name: string): boolean {
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    if (count <= (MOST_LINES[name] ?? 1)) return true;
    this.cut.add(name);
    return false;
  }

  #continue(piece: Buffer): void {
    if (this.#name === '') return;
    const room = LIMITS.maxPropertyBytes - this.#length;
    if (piece.length > room) this.cut.add(this.#name);
    if (room <= 0) return;
    this.#pieces.push(piece.subarray(0, room));
    this.#length += Math.min(room, piece.length);
  }
}

const withoutReturn = (line: Buffer): Buffer => (line.at(-1) === 13 ? line.subarray(0, -1) : line);

const unfold = ({ bytes, from, to }: Block, wanted: ReadonlySet<string>): Unfolder => {
  const unfolder = new Unfolder(wanted);
  for (let at = from; at < to;) {
    const found = bytes.indexOf(LF, at);
    const end = found < 0 || found > to ? to : found;
    unfolder.take(withoutReturn(bytes.subarray(at, end)));
    at = end + 1;
  }
  unfolder.finish();
  return unfolder;
};

type JCal = readonly [
  string,
  readonly (readonly [string, Readonly<Record<string, string>>, string, ...unknown[]])[],
  ...unknown[],
];

const parseLines = (lines: readonly string[]): Property[] => {
  const [, properties] = ICAL.parse(`BEGIN:VEVENT\r\n${lines.join('\r\n')}\r\nEND:VEVENT`) as unknown as JCal;
  return properties.map(([name, parameters, type, ...values]) => ({ name: name.toUpperCase(), parameters, type, values }));
};

/** One line that ical.js cannot read costs that line. */
const parseOne = (name: string, text: string, cut: Set<string>): Property[] => {
  try {
    return parseLines([text]);
  } catch {
    cut.add(name);
    return [];
  }
};

/** The properties of a component named in `wanted` (upper case), those of components inside it left out. */
export const readProperties = (block: Block, wanted: ReadonlySet<string>): Properties => {
  const { lines, cut } = unfold(block, wanted);
  try {
    return { all: parseLines(lines.map(({ text }) => text)), cut };
  } catch {
    return { all: lines.flatMap(({ name, text }) => parseOne(name, text, cut)), cut };
  }
};

/** The first value of a property as text; empty where it is none. */
export const textOfFirst = ({ all }: Properties, name: string): string => {
  const value = all.find((property) => property.name === name)?.values[0];
  return typeof value === 'string' ? value : '';
};

/** Blocks of the named components directly inside this one. */
export const innerBlocks = ({ bytes, from, to }: Block, names: readonly string[], most: number): Block[] => {
  const found: Block[] = [];
  let open: number | null = null;
  for (let at = from; at < to && found.length < most;) {
    const next = bytes.indexOf(LF, at);
    const end = next < 0 || next > to ? to : next;
    const text = bytes
      .toString('latin1', at, Math.min(end, at + NAME_BYTES))
      .trimEnd()
      .toUpperCase();
    if (names.some((name) => text === `BEGIN:${name}`)) open ??= at;
    if (open !== null && names.some((name) => text === `END:${name}`)) {
      found.push({ bytes, from: open, to: end });
      open = null;
    }
    at = end + 1;
  }
  return found;
};
