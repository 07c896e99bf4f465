/**
 * Finds the components of an iCalendar file without reading what is inside them.
 *
 * CAL-8  Bytes, lines, nesting and numbers of components are bounded before a parser sees anything.
 */
import { unreadable } from '../failure.js';
import { LIMITS } from '../limits.js';
import type { Pace } from '../pace.js';

/** A component as it stands in its file, from BEGIN to the end of END. */
export interface Block {
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
}

export interface Scanned {
  readonly events: readonly Block[];
  readonly zones: readonly Block[];
  /** X-WR-CALNAME as it stands there, still escaped. */
  readonly name: string | null;
  /** Events beyond maxEvents. */
  readonly skipped: number;
}

const LF = 10;
const EDGE = /^(BEGIN|END):([A-Za-z0-9-]{1,64})[ \t]*\r?$/i;
const NAME = /^X-WR-CALNAME(?:;[^:]*)?:(.*?)\r?$/i;
/** Lines of other components cost next to nothing; a turn of the event loop comes every so many. */
const LINES_A_STEP = 500;

const startOf = (bytes: Buffer): number => (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0);

/** Whether a line can be an edge or the name: `B`, `E` or `X`, of either case. */
const isOfInterest = (byte: number | undefined): boolean => {
  const upper = (byte ?? 0) & 0xdf;
  return upper === 0x42 || upper === 0x45 || upper === 0x58;
};

/** The open components, and what was found when they closed. */
class Finder {
  readonly events: Block[] = [];
  readonly zones: Block[] = [];
  name: string | null = null;
  skipped = 0;
  readonly #bytes: Buffer;
  readonly #open: { readonly name: string; readonly from: number }[] = [];
  #calendars = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  line(from: number, to: number): void {
    const text = this.#bytes.toString('utf8', from, Math.min(to, from + LIMITS.maxTitleChars));
    const [, edge, name = ''] = EDGE.exec(text) ?? [];
    if (edge === undefined) return this.#named(text);
    if (edge.toUpperCase() === 'BEGIN') this.#begin(name.toUpperCase(), from);
    else this.#end(name.toUpperCase(), to);
  }

  check(): void {
    if (this.#calendars === 0) throw unreadable('it is not iCalendar');
    if (this.#open.length > 0) throw unreadable('it ends in the middle');
  }

  #named(text: string): void {
    if (this.#open.length === 1) this.name ??= NAME.exec(text)?.[1] ?? null;
    else if (this.#open.length === 0) throw unreadable('it is not iCalendar');
  }

  #begin(name: string, from: number): void {
    if (this.#open.length === 0 && name !== 'VCALENDAR') throw unreadable('it is not iCalendar');
    if (this.#open.length >= LIMITS.maxDepth) throw unreadable('its components are nested too deep');
    this.#open.push({ name, from });
  }

  #end(name: string, to: number): void {
    const open = this.#open.pop();
    if (open?.name !== name) throw unreadable('its components do not close as they open');
    if (this.#open.length === 0) this.#calendars += 1;
    if (this.#open.length !== 1) return;
    const block = { bytes: this.#bytes, from: open.from, to };
    if (name === 'VEVENT' && this.events.length < LIMITS.maxEvents) this.events.push(block);
    else if (name === 'VEVENT') this.skipped += 1;
    else if (name === 'VTIMEZONE' && this.zones.length < LIMITS.maxZones) this.zones.push(block);
  }
}

/** @throws AirlockError UPSTREAM_REFUSED for what is no iCalendar, nested too deep, too long or cut off. */
export const scanCalendar = async (bytes: Buffer, pace: Pace): Promise<Scanned> => {
  if (bytes.length > LIMITS.maxIcsBytes) throw unreadable('it is too large');
  const finder = new Finder(bytes);
  let lines = 0;
  for (let from = startOf(bytes); from < bytes.length; lines += 1) {
    const found = bytes.indexOf(LF, from);
    const to = found < 0 ? bytes.length : found;
    if (lines >= LIMITS.maxLines) throw unreadable('it has too many lines');
    if (lines === 0 || isOfInterest(bytes[from])) finder.line(from, to);
    if (lines % LINES_A_STEP === 0) await pace.step();
    from = to + 1;
  }
  finder.check();
  return finder;
};
