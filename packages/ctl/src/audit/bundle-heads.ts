/**
 * Heads that somebody kept (`--head`), held against the part of each log that an export proves: every head from its start to the
 * signed one.
 *
 * AUDIT-33  one of before or behind that part, or of no log that is in the export, says nothing of it, and is told as that.
 */
import { parseSignedHead, type Head } from '@airlock/audit';
import { hashesOf, isTelling, sortKept, type Kept, type Unproven } from './kept-heads.js';
import { LOGS, type LogName } from './sources.js';

/** A signed head that was given, of a log that is in the export. */
interface Given extends Head {
  readonly name: string;
}

interface Part {
  readonly given: readonly Given[];
  readonly from: number;
  to: number;
}

export class BundleHeads {
  readonly #kept: readonly Kept[];
  readonly #useless: readonly Unproven[];
  readonly #hashes: ReadonlySet<string>;
  readonly #found = new Set<string>();
  readonly #given: Readonly<Record<LogName, readonly Given[]>>;
  readonly #parts = new Map<LogName, Part>();

  /** @param keys of the logs that are in the export */
  constructor(kept: readonly Kept[], keys: Partial<Readonly<Record<LogName, string>>>) {
    const { byLog, useless } = sortKept(kept, keys);
    const of = (log: LogName): readonly Given[] => byLog[log].map(({ name, note }) => ({ ...parseSignedHead(note), name }));
    [this.#kept, this.#useless, this.#hashes] = [kept, useless, new Set(hashesOf(kept))];
    this.#given = { gateway: of('gateway'), totp: of('totp') };
  }

  /** A head that leads to the signed one: the start first, then each. @returns a head that was given, and is of another history */
  pass(log: LogName, head: Head): string | null {
    const part = this.#parts.get(log) ?? { given: this.#given[log], from: head.size, to: head.size };
    part.to = head.size;
    this.#parts.set(log, part);
    if (this.#hashes.size > 0 && this.#hashes.has(head.hash)) this.#found.add(head.hash);
    return part.given.find((one) => one.size === head.size && one.hash !== head.hash)?.name ?? null;
  }

  /** Once every log was read whole. */
  unproven(): readonly Unproven[] {
    const lost = this.#kept.filter((one) => isTelling(one) && !this.#found.has(one.hash ?? ''));
    const why = 'no record that the export proves ends with this hash: it is of records before or behind them, or of another log';
    return [...this.#useless, ...LOGS.flatMap((log) => this.#beside(log)), ...lost.map(({ name }) => ({ head: name, why }))];
  }

  #beside(log: LogName): readonly Unproven[] {
    const part = this.#parts.get(log);
    if (part === undefined) return [];
    const { given, from, to } = part;
    return given
      .filter(({ size }) => size < from || size > to)
      .map(({ name, size }) => ({
        ...{ head: name, log },
        why: `it proves nothing here: it is of ${size} records, and the export leads from ${from} to ${to}`,
      }));
  }
}
