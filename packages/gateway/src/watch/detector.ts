/**
 * Whether what an agent does is still normal. Nothing in here but counting: no clock, no file, no answer.
 *
 * ANOM-3  a session above the limit of a kind is an anomaly of the session, a role above its multiple one of the role.
 * ANOM-7  memory is bounded whatever is sent: so many sessions, so many kinds, so many targets of each.
 * ANOM-9  targets are kept as digests.
 */
import { createHash } from 'node:crypto';
import type { AnomalyLimits, ErrorCode } from '@airlock/protocol';
import { KINDS, KINDS_OF_CODE, type AnomalyKind } from './kinds.js';
import { DistinctMeter, LeakyMeter, type Meter } from './meter.js';

/** Who did it; `session` is null where something was sent before hello. */
export interface Actor {
  readonly role: string;
  readonly session: string | null;
}

/** A call that begins, or the refusal or failure that something ended with. */
export type Observed =
  | { readonly what: 'call' }
  | {
      readonly what: 'refusal';
      readonly code: ErrorCode;
      /** What it was aimed at: an id, a service and operation. */ readonly target: string;
    };

/** The first thing beyond what is normal; session null: of the whole role. */
export interface Anomaly extends Actor {
  readonly kind: AnomalyKind;
  readonly limit: number;
}

type Meters = Map<AnomalyKind, Meter>;

const CALL: readonly AnomalyKind[] = ['rate'];
const DIGEST_CHARS = 22;

const digestOf = (target: string): string =>
  createHash('sha256').update(target, 'utf8').digest('base64url').slice(0, DIGEST_CHARS);

const meterOf = (meters: Meters, kind: AnomalyKind, limit: number): Meter => {
  const known = meters.get(kind);
  if (known !== undefined) return known;
  const { distinct, windowMs } = KINDS[kind];
  const meter = distinct ? new DistinctMeter(limit, windowMs) : new LeakyMeter(limit, windowMs);
  meters.set(kind, meter);
  return meter;
};

const sessionKey = (role: string, session: string): string => `${role}/${session}`;

export class Detector {
  readonly #limits: AnomalyLimits;
  readonly #maxSessions: number;
  /** There are as many as the configuration has. */
  readonly #roles = new Map<string, Meters>();
  /** Least recently seen first. */
  readonly #sessions = new Map<string, Meters>();
  /** The most recently seen: where it is seen again, nothing changes its place. */
  #newest: { readonly role: string; readonly session: string; readonly meters: Meters } | null = null;

  constructor(limits: AnomalyLimits, maxSessions: number) {
    this.#limits = limits;
    this.#maxSessions = maxSessions;
  }

  /** Sessions of which something is remembered. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Counts, and says what is beyond normal now: of the role before that of the session, or null. */
  observe(actor: Actor, observed: Observed, nowMs: number): Anomaly | null {
    const kinds = observed.what === 'call' ? CALL : KINDS_OF_CODE[observed.code];
    let found: Anomaly | null = null;
    for (const kind of kinds) {
      const target = observed.what === 'refusal' && KINDS[kind].distinct ? digestOf(observed.target) : '';
      const crossed = this.#count(actor, kind, target, nowMs);
      if (found === null || (found.session !== null && crossed?.session === null)) found = crossed ?? found;
    }
    return found;
  }

  /** After a block, or its end: what led to it does not count again. */
  forget({ role, session }: Actor): void {
    this.#newest = null;
    if (session !== null) return void this.#sessions.delete(sessionKey(role, session));
    this.#roles.delete(role);
    for (const key of this.#sessions.keys()) if (key.startsWith(`${role}/`)) this.#sessions.delete(key);
  }

  #count({ role, session }: Actor, kind: AnomalyKind, target: string, nowMs: number): Anomaly | null {
    const limit = KINDS[kind].limitOf(this.#limits);
    const ofRole = limit * KINDS[kind].roleFactor;
    const roleCount = meterOf(this.#metersOfRole(role), kind, ofRole).add(nowMs, target);
    const count = session === null ? 0 : meterOf(this.#metersOfSession(role, session), kind, limit).add(nowMs, target);
    if (roleCount > ofRole) return { role, session: null, kind, limit: ofRole };
    return count > limit ? { role, session, kind, limit } : null;
  }

  #metersOfRole(role: string): Meters {
    const known = this.#roles.get(role);
    if (known !== undefined) return known;
    const meters = new Map<AnomalyKind, Meter>();
    this.#roles.set(role, meters);
    return meters;
  }

  /** An agent that opens sessions to have its own forgotten is still counted by its role. */
  #metersOfSession(role: string, session: string): Meters {
    if (this.#newest?.session === session && this.#newest.role === role) return this.#newest.meters;
    const key = sessionKey(role, session);
    const meters = this.#sessions.get(key) ?? new Map<AnomalyKind, Meter>();
    this.#newest = { role, session, meters };
    this.#sessions.delete(key);
    this.#sessions.set(key, meters);
    if (this.#sessions.size > this.#maxSessions) this.#dropOldest();
    return meters;
  }

  #dropOldest(): void {
    const [oldest] = this.#sessions.keys();
    if (oldest !== undefined) this.#sessions.delete(oldest);
  }
}
