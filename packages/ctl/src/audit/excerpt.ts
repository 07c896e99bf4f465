/**
 * One log's part of an export: the lines that are taken, and the digests of those between, up to a signed head.
 *
 * EXPORT-1  lines stand byte for byte as in the log. EXPORT-3  of a line that is not taken nothing leaves but its digest.
 */
import { Chain, EMPTY_HEAD, lineDigest, parseRecord, parseSignedHead, type Head } from '@airlock/audit';
import { AirlockError } from '@airlock/protocol';

export interface Excerpt {
  /** The head before the first line that is taken. */
  readonly start: Head;
  /** `line HEX` or `left-out HEX` for each record after `start`, in order. */
  readonly chain: string;
  /** The lines that are taken, LF after each. */
  readonly lines: string;
  readonly taken: number;
  readonly leftOut: number;
  /** The signed head that the chain ends with. */
  readonly note: string;
}

/** Bytes of one log in an export; what is longer is no excerpt. */
const MAX_BYTES = 512 << 20;

const tooMuch = (): AirlockError =>
  new AirlockError('PARAMS_INVALID', 'the export would be larger than 512 MiB', { hint: 'ask for a shorter span of time' });

const damaged = (log: string, seq: number): AirlockError =>
  new AirlockError('AUDIT_UNAVAILABLE', `the log of ${log} does not lead to its signed head (read up to record ${seq})`, {
    hint: 'airlock-ctl audit verify says where it is damaged',
  });

/** The note in a `checkpoint` record of the log's own, or null. */
const ownNote = (line: string, origin: string): string | null => {
  const record = line.includes('"event":"checkpoint"') ? parseRecord(line) : null;
  const note = record?.['note'];
  return typeof note === 'string' && note.startsWith(`${origin}\n`) ? note : null;
};

class Collector {
  readonly #origin: string;
  readonly #head: Head;
  readonly #newest: string;
  #chain: Chain | null = null;
  #seq = 0;
  #start: Head = EMPTY_HEAD;
  readonly #entries: string[] = [];
  readonly #lines: string[] = [];
  #bytes = 0;
  #lastTaken = 0;
  /** The earliest head over everything taken: the chain need go no further. */
  #enough: string | null = null;
  #hashAtEnd: string | null = null;

  constructor(origin: string, newest: string) {
    this.#origin = origin;
    this.#newest = newest;
    this.#head = parseSignedHead(newest);
  }

  /** @returns false once nothing more is needed. */
  push(line: Buffer, isTaken: (text: string) => boolean): boolean {
    const text = line.toString('utf8');
    const record = this.#seq === 0 ? parseRecord(text) : null;
    this.#seq = record === null ? this.#seq + 1 : record.seq;
    if (this.#seq > this.#head.size) return false;
    const take = isTaken(text);
    if (take && this.#chain === null) this.#begin(text);
    if (this.#chain !== null) this.#extend(this.#chain, line, text, take);
    return true;
  }

  #begin(text: string): void {
    const prev = parseRecord(text)?.prev ?? '';
    this.#start = { size: this.#seq - 1, hash: prev };
    this.#chain = new Chain(this.#start);
  }

  #extend(chain: Chain, line: Buffer, text: string, take: boolean): void {
    const digest = lineDigest(line);
    chain.extend(digest.toString('latin1'));
    this.#entries.push(`${take ? 'line' : 'left-out'} ${digest.toString('hex')}\n`);
    this.#bytes += 80 + (take ? line.length : 0);
    if (this.#bytes > MAX_BYTES) throw tooMuch();
    if (chain.size === this.#head.size) this.#hashAtEnd = chain.hash;
    if (take) {
      this.#lines.push(`${text}\n`);
      this.#lastTaken = this.#seq;
      this.#enough = null;
    }
    const note = ownNote(text, this.#origin);
    if (note !== null && this.#enough === null && parseSignedHead(note).size >= this.#lastTaken) this.#enough = note;
  }

  /** null: nothing was taken. @throws AirlockError AUDIT_UNAVAILABLE */
  finish(): Excerpt | null {
    if (this.#chain === null) return null;
    if (this.#hashAtEnd !== this.#head.hash) throw damaged(this.#origin, this.#seq);
    const note = this.#enough ?? this.#newest;
    const kept = this.#entries.slice(0, parseSignedHead(note).size - this.#start.size);
    const taken = this.#lines.length;
    const leftOut = kept.length - taken;
    return { start: this.#start, chain: kept.join(''), lines: this.#lines.join(''), taken, leftOut, note };
  }
}

/**
 * @param newest signed note of the newest head; what comes after it is not taken.
 * @returns null where no line is taken. @throws AirlockError AUDIT_UNAVAILABLE where the lines do not lead to the head
 */
export const takeExcerpt = async (
  origin: string,
  newest: string,
  lines: AsyncIterable<Buffer>,
  isTaken: (line: string) => boolean,
): Promise<Excerpt | null> => {
  const collector = new Collector(origin, newest);
  for await (const line of lines) if (!collector.push(line, isTaken)) break;
  return collector.finish();
};
