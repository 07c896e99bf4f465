/** What is known of every operator's sessions now, and what began since it was last told. */
import type { PresenceReport, SeenReason } from '@airlock/protocol';
import type { Value } from './bus/reader.js';
import { PRESENCE_LIMITS } from './limits.js';
import { begun, reasonsOf, type SessionView } from './seats.js';

type Owners = ReadonlyMap<number, readonly string[]>;

const isOn = (value: Value | undefined, otherwise: boolean): boolean => (typeof value === 'boolean' ? value : otherwise);

export class Sights {
  readonly #operators: readonly string[];
  readonly #nowMs: () => number;
  #owners: Owners = new Map();
  #sessions = new Map<string, SessionView>();
  #available = false;
  /** By operator and reason, when it began last: the count of all beginnings then. */
  readonly #passed = new Map<string, Map<SeenReason, number>>();
  #count = 0;

  constructor(operators: readonly string[], nowMs: () => number) {
    this.#operators = operators;
    this.#nowMs = nowMs;
  }

  /** Logind was read. A `Lock` that still counts is kept. */
  replace(sessions: readonly SessionView[], owners: Owners): void {
    const before = this.#sessions;
    const apply = (): void => {
      this.#available = true;
      this.#owners = owners;
      this.#sessions = new Map(
        sessions.map((one) => [one.path, { ...one, askedUntilMs: one.locked ? 0 : (before.get(one.path)?.askedUntilMs ?? 0) }]),
      );
    };
    // What was found on arrival began before: it is told as what holds.
    if (this.#available) this.#change(apply);
    else apply();
  }

  /** Logind does not answer. What was known is forgotten, not thawed: airlock-totp keeps what it froze. */
  lose(): void {
    this.#available = false;
    this.#sessions = new Map();
  }

  /** Whether a signal of this session changes what is told; before the first reading nobody knows. */
  isWatched(path: string): boolean {
    return !this.#available || this.#sessions.has(path);
  }

  /** Properties of a session changed, as its signal says. */
  properties(path: string, changed: ReadonlyMap<string, Value>): void {
    this.#update(path, (one) => ({
      ...one,
      active: isOn(changed.get('Active'), one.active),
      locked: isOn(changed.get('LockedHint'), one.locked),
      idle: isOn(changed.get('IdleHint'), one.idle),
      askedUntilMs: changed.has('LockedHint') ? 0 : one.askedUntilMs,
    }));
  }

  /** A session was asked to lock, or to unlock. */
  asked(path: string, lock: boolean): void {
    this.#update(path, (one) => ({ ...one, askedUntilMs: lock ? this.#nowMs() + PRESENCE_LIMITS.askedLockMs : 0 }));
  }

  /** What is to be told. `passed` stays until `told`. */
  report(): { readonly report: PresenceReport; readonly upTo: number } {
    const report = {
      available: this.#available,
      operators: this.#operators.map((operator) => ({
        operator,
        sessions: this.#of(operator).length,
        reasons: this.#reasons(operator),
        passed: [...(this.#passed.get(operator)?.keys() ?? [])].sort(),
      })),
    };
    return { report, upTo: this.#count };
  }

  /** It was answered: what had begun by then is known, what began since is not. */
  told(upTo: number): void {
    for (const passed of this.#passed.values()) for (const [reason, count] of passed) if (count <= upTo) passed.delete(reason);
  }

  #of(operator: string): readonly SessionView[] {
    return [...this.#sessions.values()].filter(({ uid }) => this.#owners.get(uid)?.includes(operator) === true);
  }

  #reasons(operator: string): readonly SeenReason[] {
    return reasonsOf(this.#of(operator), this.#nowMs());
  }

  #update(path: string, change: (session: SessionView) => SessionView): void {
    const one = this.#sessions.get(path);
    if (one !== undefined) this.#change(() => this.#sessions.set(path, change(one)));
  }

  /** PRESENCE-4: what begins by the change is remembered, whatever comes after it. */
  #change(change: () => void): void {
    const before = this.#operators.map((operator) => this.#reasons(operator));
    change();
    this.#operators.forEach((operator, index) => {
      const passed = this.#passed.get(operator) ?? new Map<SeenReason, number>();
      for (const reason of begun(before[index] ?? [], this.#reasons(operator))) passed.set(reason, (this.#count += 1));
      this.#passed.set(operator, passed);
    });
  }
}
