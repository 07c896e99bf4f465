/**
 * What the logs say of what the gateway removed because of its age, and when it was countersigned.
 *
 * AUDIT-28  the gateway alone could say so of yesterday: its records, their times and the names of its files are its own.
 */
import { prunedIn, type Head, type Problem } from '@airlock/audit';

const DAY_MS = 86_400_000;
/** Between writing a record and asking for a head. */
const SLACK_MS = 3_600_000;

interface Signed {
  readonly size: number;
  readonly atMs: number;
}

/** What a `log_pruned` says, and where. */
interface Said {
  readonly file: string;
  readonly retainDays: number;
  readonly seq: number;
}

/** The clock ran ahead when a removal was signed. */
export interface Ahead {
  /** By airlock-totp, of the first head over it. */
  readonly signedAt: string;
  /** Of the newest head. */
  readonly newestAt: string;
}

const parse = (line: Buffer): Readonly<Record<string, unknown>> => JSON.parse(line.toString('utf8')) as Record<string, unknown>;

interface Young {
  readonly said: Said;
  /** The newest head that has not what was removed. */
  readonly before: Signed;
  /** The newest of all. */
  readonly newest: Signed;
}

/** Pure. */
const isOldEnough = ({ said, before }: Pick<Young, 'said' | 'before'>, at: Signed): boolean =>
  at.atMs - before.atMs + SLACK_MS >= said.retainDays * DAY_MS;

export class Removed {
  /** Heads of the gateway's log, by the log of airlock-totp. */
  #signed: Signed[] = [];
  /** The newest of them, as a note. */
  #newest: string | null = null;
  readonly #said = new Map<number, Said>();

  /** A good record of the log of airlock-totp. */
  countersigned(event: string, line: Buffer): void {
    if (event !== 'checkpoint' && event !== 'log_accepted') return;
    const { log, origin, size, ts, note } = parse(line);
    if (event === 'log_accepted' && log === 'airlock-gateway') [this.#signed, this.#newest] = [[], null];
    if (event === 'checkpoint' && origin === 'airlock-gateway' && typeof note === 'string') this.#newest = note;
    if (event === 'checkpoint' && origin === 'airlock-gateway' && typeof size === 'number' && typeof ts === 'string')
      this.#signed.push({ size, atMs: Date.parse(ts) });
  }

  /** AUDIT-31: heads that the gateway's log has to contain. */
  get countersignedHeads(): readonly string[] {
    return this.#newest === null ? [] : [this.#newest];
  }

  /** A good record of the gateway's log. */
  said(event: string, line: Buffer): void {
    const pruned = event === 'log_pruned' ? prunedIn(line) : null;
    if (pruned === null) return;
    const { file, size, retainDays = 0 } = pruned;
    this.#said.set(size, { file, retainDays, seq: Number(parse(line)['seq']) });
  }

  /** AUDIT-29: after how many days the gateway says that it removed what stood before; null: nothing says so. */
  claimedDays(start: Head): number | null {
    return this.#said.get(start.size)?.retainDays ?? null;
  }

  /** AUDIT-28: the last record removed was written after the newest head that has it not. */
  tooYoung(start: Head): Problem | null {
    const young = this.#young(start);
    if (young === null || this.ahead(start) !== null) return null;
    const { said, before, newest } = young;
    const days = Math.floor((newest.atMs - before.atMs) / DAY_MS);
    const when = new Date(before.atMs).toISOString();
    const problem = `records up to ${start.size} were removed as older than ${said.retainDays} days, and were written after ${when}, ${days} days before the newest head`;
    return { file: said.file, line: 1, problem };
  }

  /**
   * AUDIT-28: they are younger by the clock of now, and were old enough by the one that airlock-totp had when it signed that they go.
   * Only the first head over `log_pruned` counts, or a clock that runs ahead later would excuse what was removed before.
   */
  ahead(start: Head): Ahead | null {
    const young = this.#young(start);
    const first = this.#signed.find(({ size }) => young !== null && size >= young.said.seq);
    if (young === null || first === undefined || !isOldEnough(young, first)) return null;
    return { signedAt: new Date(first.atMs).toISOString(), newestAt: new Date(young.newest.atMs).toISOString() };
  }

  /** What was removed that is too young by the newest head; null where nothing is, or nobody knows. */
  #young(start: Head): Young | null {
    const said = this.#said.get(start.size);
    const newest = this.#signed.at(-1);
    const before = this.#signed.filter(({ size }) => size < start.size).at(-1);
    if (said === undefined || newest === undefined || before === undefined) return null;
    const young = { said, before, newest };
    return isOldEnough(young, newest) ? null : young;
  }
}
