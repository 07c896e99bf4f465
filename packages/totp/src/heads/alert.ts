/**
 * What airlock-totp goes on saying once the gateway's log did not continue what was signed.
 *
 * BRIDGE-6  the alert is durable, stands in status and in the text of every request, and ends with an approved unlock.
 */
import { isoTime, type AuditAlertView } from '@airlock/protocol';
import { corrupted, type StateDirectory } from '../state/directory.js';

const FILE = 'audit-alert';
/** A gateway that goes on claiming the same is not recorded anew each time. */
const REPEAT_MS = 60_000;

interface Raised {
  readonly atMs: number;
  readonly problem: string;
}

const parse = (directory: StateDirectory, bytes: Buffer): Raised | null => {
  try {
    const { atMs, problem } = JSON.parse(bytes.toString('utf8')) as Partial<Raised>;
    if (atMs === undefined && problem === undefined) return null;
    if (typeof atMs === 'number' && Number.isSafeInteger(atMs) && typeof problem === 'string') return { atMs, problem };
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

  get view(): AuditAlertView | null {
    const raised = this.#raised;
    return raised === null ? null : { at: isoTime(raised.atMs), message: raised.problem };
  }

  /** Durable on return. @returns false where the same was said within the last minute. @throws AirlockError VAULT_UNREADABLE */
  raise(problem: string, nowMs: number): boolean {
    const before = this.#raised;
    if (before?.problem === problem && Math.abs(nowMs - before.atMs) < REPEAT_MS) return false;
    this.#write({ atMs: nowMs, problem });
    return true;
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
