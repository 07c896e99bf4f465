/**
 * What airlock-totp goes on saying once the gateway's log did not continue what was signed.
 *
 * BRIDGE-6  the alert is durable, stands in status and in the text of every request, and ends for an operator with an unlock
 *           that this operator approved. However often a gateway claims what, few records are made of it.
 */
import { isoTime, type AuditAlertView } from '@airlock/protocol';
import { corrupted, type StateDirectory } from '../state/directory.js';

const FILE = 'audit-alert';
/** A gateway that goes on claiming is not recorded anew each time, whatever figures it claims. */
const REPEAT_MS = 60_000;
/** Records of one alert: what comes after them says nothing new. */
const MAX_RECORDS = 100;

interface Raised {
  readonly atMs: number;
  readonly problem: string;
  /** How often it was recorded. */
  readonly records?: number;
  /** Operators who have approved an unlock since. */
  readonly cleared?: readonly string[];
}

const parse = (directory: StateDirectory, bytes: Buffer): Raised | null => {
  try {
    const { atMs, problem, records = 1, cleared = [] } = JSON.parse(bytes.toString('utf8')) as Partial<Raised>;
    if (atMs === undefined && problem === undefined) return null;
    const isCleared = Array.isArray(cleared) && cleared.every((one) => typeof one === 'string');
    if (
      Number.isSafeInteger(atMs) &&
      atMs !== undefined &&
      typeof problem === 'string' &&
      Number.isSafeInteger(records) &&
      isCleared
    )
      return { atMs, problem, records, cleared };
  } catch {
    // Told below.
  }
  throw corrupted(directory, FILE, 'is damaged');
};

export class AuditAlert {
  readonly #directory: StateDirectory;
  #raised: Raised | null;

  /** @throws AirlockError VAULT_UNREADABLE */
  constructor(directory: StateDirectory) {
    this.#directory = directory;
    const bytes = directory.read(FILE);
    this.#raised = bytes === null ? null : parse(directory, bytes);
  }

  /** Stands until every operator has approved an unlock. */
  get view(): AuditAlertView | null {
    const raised = this.#raised;
    return raised === null ? null : { at: isoTime(raised.atMs), message: raised.problem };
  }

  /** What this operator has still to be told. */
  viewOf(operator: string): AuditAlertView | null {
    return this.#raised?.cleared?.includes(operator) === true ? null : this.view;
  }

  /** Durable on return, for every operator. @returns whether it is to be recorded. @throws AirlockError VAULT_UNREADABLE */
  raise(problem: string, nowMs: number): boolean {
    const before = this.#raised;
    const records = before?.records ?? 0;
    const isRecent = before !== null && Math.abs(nowMs - before.atMs) < REPEAT_MS;
    if (before === null || (!isRecent && records < MAX_RECORDS)) {
      this.#write({ atMs: nowMs, problem, records: records + 1 });
      return true;
    }
    if (before.cleared !== undefined && before.cleared.length > 0) this.#write({ ...before, problem, cleared: [] });
    return false;
  }

  /** This one of all operators approved an unlock; what the others have not done stands. @throws AirlockError VAULT_UNREADABLE */
  clearFor(operator: string, all: readonly string[]): void {
    const raised = this.#raised;
    if (raised === null) return;
    const cleared = [...new Set([...(raised.cleared ?? []), operator])];
    this.#write(all.every((one) => cleared.includes(one)) ? null : { ...raised, cleared });
  }

  /** @throws AirlockError VAULT_UNREADABLE */
  clear(): void {
    if (this.#raised !== null) this.#write(null);
  }

  #write(raised: Raised | null): void {
    this.#directory.write(FILE, Buffer.from(JSON.stringify(raised ?? {})));
    this.#raised = raised;
  }
}

/** The text of a request, with the alert in front of what it says. */
export const withAlert = (text: string, alert: AuditAlertView | null): string =>
  alert === null
    ? text
    : text.replace('\n\n', `\n\n  WARNING  ${alert.message} (${alert.at})\n           look first: airlock-ctl audit verify\n`);
