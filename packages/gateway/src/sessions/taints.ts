/**
 * What each role was given last that others wrote: it outlives the sessions, which an agent can open and drop as it likes.
 *
 * TAINT-3  a claimed grant makes no session cleaner than its role, whenever its role was tainted.
 * TAINT-4  a session that lives when its role is tainted, or begins within an hour after, is tainted: an agent may hold several at a time.
 */
import type { Clock, Taint } from '@airlock/protocol';
import type { Identity } from './sessions.js';

/** As it stands in the ledger of sessions. */
export interface RoleTaintLine extends Identity {
  readonly roleTaint: Taint;
  /** Boot clock of the last content, which nobody can set. */
  readonly bootMs: number;
}

export const isTaint = (value: unknown): value is Taint => {
  const { sinceMs, service, operation } = (value ?? {}) as Partial<Record<keyof Taint, unknown>>;
  return Number.isFinite(sinceMs) && typeof service === 'string' && typeof operation === 'string';
};

const isLine = (value: object): value is RoleTaintLine => {
  const { role, operator, roleTaint, bootMs } = value as Partial<Record<keyof RoleTaintLine, unknown>>;
  return typeof role === 'string' && typeof operator === 'string' && isTaint(roleTaint) && Number.isFinite(bootMs);
};

const keyOf = ({ operator, role }: Identity): string => `${operator}/${role}`;

export class RoleTaints {
  readonly #clock: Clock;
  readonly #lines = new Map<string, RoleTaintLine>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns the line to be kept */
  set({ role, operator }: Identity, roleTaint: Taint): RoleTaintLine {
    const line = { role, operator, roleTaint, bootMs: this.#clock.bootMs() };
    this.#lines.set(keyOf(line), line);
    return line;
  }

  /** The role's taint where it is not older than that. */
  recent(identity: Identity, maxAgeMs: number): Taint | null {
    const line = this.#lines.get(keyOf(identity));
    return line !== undefined && this.#clock.bootMs() - line.bootMs <= maxAgeMs ? line.roleTaint : null;
  }

  /** A line of the ledger. @returns whether it is one of these */
  take(value: object): boolean {
    if (!isLine(value)) return false;
    this.#lines.set(keyOf(value), value);
    return true;
  }

  lines(): readonly RoleTaintLine[] {
    return [...this.#lines.values()];
  }
}
