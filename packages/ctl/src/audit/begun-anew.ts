/**
 * Logs that were begun anew. It stands in both logs, as each of them may itself be begun anew, or be the only one there is; but only
 * airlock-totp knows whether a code was given.
 *
 * ACCEPT-6  a log that was begun anew is never called whole without the one that was set aside being named.
 * ACCEPT-7  what the gateway's log says of it alone, while the log of airlock-totp had to record it, was begun anew by nobody's code.
 */
import type { Problem } from '@airlock/audit';

/** A log that was begun anew. */
export interface BegunAnew {
  readonly log: string;
  readonly at: string;
  /** Records up to the head that was given up. */
  readonly size: number;
  /** Directory beside the log, which `audit verify --dir` looks into. */
  readonly setAside: string;
  /** By airlock-totp, with the code; else it is the word of the gateway's log alone. */
  readonly isRecorded: boolean;
}

interface Said {
  readonly one: BegunAnew;
  /** Of the record in the gateway's log that says so. */
  readonly seq: number;
}

const GATEWAY = 'airlock-gateway';
const TOTP = 'airlock-totp';

/** An id of a decision; what else a log says there is not shown. */
const ID = /^[0-9a-f]{18}$/;

const parse = (line: Buffer): Readonly<Record<string, unknown>> => JSON.parse(line.toString('utf8')) as Record<string, unknown>;

const setAsideOf = (id: unknown): string => `audit.set-aside-${typeof id === 'string' && ID.test(id) ? id : 'ID'}`;

const keyOf = ({ log, setAside }: BegunAnew): string => `${log} ${setAside}`;

/** Pure. */
const problemOf = ({ seq, one: { log, setAside } }: Said): Problem => ({
  file: 'heads',
  line: 1,
  problem: `record ${seq} says that the log of ${log} was begun anew (${setAside}), and no code was given for it: airlock-totp's log does not know of it`,
});

/** What to do about it. */
export const NO_CODE_HINT =
  "somebody changed what airlock-totp keeps, or set the log aside by hand: keep the files of both logs and what was set aside (audit verify --dir proves it as far as it was signed), and treat what happened since as unknown. It is told until the gateway's log is begun anew with a code: sudo airlock-ctl audit accept --log gateway";

/** Pure. */
export const begunAnewText = ({ log, at, size, setAside, isRecorded }: BegunAnew): string => {
  const how = isRecorded
    ? `with a code at ${at}`
    : `at ${at}, as the gateway's log says; whether with a code is not known, as the log of airlock-totp that would say so is not here, or begins later`;
  return `log of ${log}: begun anew ${how}; ${size} records before that were signed, and are proven only from ${setAside}`;
};

/** Learns from both logs, in any order. */
export class BegunAnewLogs {
  readonly #recorded = new Map<string, BegunAnew>();
  readonly #said = new Map<string, Said>();
  #hasBegun = false;
  /** Whether the log of airlock-totp was neither shortened nor begun anew. */
  #isWhole = true;
  /** Size of the newest head of the gateway's log that airlock-totp recorded. */
  #newest = 0;
  /** Whether `problem` told one. */
  isFound = false;

  /** A good record of the log of airlock-totp. */
  recorded(event: string, line: Buffer): void {
    if (this.#hasBegun && event !== 'checkpoint' && event !== 'log_accepted') return;
    const { seq, ts, id, log, origin, size } = parse(line);
    if (!this.#hasBegun && seq !== 1) this.#isWhole = false;
    this.#hasBegun = true;
    if (event === 'checkpoint' && origin === GATEWAY && typeof size === 'number') this.#newest = size;
    if (event !== 'log_accepted') return;
    if (log === TOTP) this.#isWhole = false;
    else this.#newest = 0;
    const one = { log: String(log), at: String(ts), size: Number(size), setAside: setAsideOf(id), isRecorded: true };
    this.#recorded.set(keyOf(one), one);
  }

  /** A good record of the gateway's log. */
  said(event: string, line: Buffer): void {
    if (event !== 'log_begun' && event !== 'log_accepted') return;
    const { seq, ts, after, accepted } = parse(line);
    const log = event === 'log_begun' ? GATEWAY : TOTP;
    const one = { log, at: String(ts), size: Number(after), setAside: setAsideOf(accepted), isRecorded: false };
    this.#said.set(keyOf(one), { one, seq: Number(seq) });
  }

  /** Each once, the oldest first; what airlock-totp says of it counts. */
  get all(): readonly BegunAnew[] {
    const said = [...this.#said].map(([key, { one }]) => [key, one] as const);
    return [...new Map<string, BegunAnew>([...said, ...this.#recorded]).values()].sort((a, b) => (a.at < b.at ? -1 : 1));
  }

  /**
   * Once both were read whole. airlock-totp records a decision before the gateway hears of it; so its log has to know, but where it
   * begins later, or is a copy that may be older: one that is not holds a head over the gateway's record.
   * @param isLive the gateway's log was read before that of airlock-totp
   */
  problem(isLive: boolean): Problem | null {
    const isDue = ({ seq }: Said): boolean => isLive || seq <= this.#newest;
    const unknown = [...this.#said.values()].filter(({ one }) => this.#isWhole && !this.#recorded.has(keyOf(one)));
    const due = unknown.find(isDue);
    this.isFound = due !== undefined;
    return due === undefined ? null : problemOf(due);
  }
}
