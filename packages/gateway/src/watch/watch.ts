/**
 * What stands between agents and everything else they could do with a lease: anomalies are seen at the call that
 * crosses the line, and that call is the first that is refused (docs/spec/anomalies.md).
 *
 * ANOM-1  a call is counted before anything else is looked at; the one above the limit reaches no cell.
 * ANOM-2  every refusal and failure is counted; the answer that crosses the line says BLOCKED.
 * ANOM-4  while blocked, only hello, access.status and access.release are answered, and nothing is counted.
 * ANOM-5  every block and its end are recorded.
 * ANOM-8  the operator is never watched, and no role suffers from another.
 */
import type { Fields } from '@airlock/audit';
import { AirlockError, isoTime, OPERATOR_ROLE, type AnomalyConfig, type BlockView, type Clock } from '@airlock/protocol';
import type { GatewayEvent } from '../journal/journal.js';
import { GATEWAY_LIMITS } from '../limits.js';
import type { Blocks, Block } from './blocks.js';
import { Detector, type Actor, type Anomaly, type Observed } from './detector.js';
import { KINDS } from './kinds.js';

/** Who is watched, with the operator to whom it is shown. */
export interface Watched extends Actor {
  readonly operator: string;
}

export interface WatchOptions {
  readonly clock: Clock;
  readonly blocks: Blocks;
  readonly config: AnomalyConfig;
  readonly note: (event: GatewayEvent, fields: Fields) => void;
}

/** ANOM-4: finding out why, giving up what one has, and ending what runs stay possible. */
const OPEN_METHODS: ReadonlySet<string> = new Set(['hello', 'access.status', 'access.release', 'call.cancel']);

const reasonOf = ({ kind, limit }: Pick<Block, 'kind' | 'limit'>): string => `more than ${limit} ${KINDS[kind].words}`;

export class Watch {
  readonly #options: WatchOptions;
  readonly #detector: Detector;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#detector = new Detector(options.config, GATEWAY_LIMITS.maxWatchedSessions);
  }

  /** BLOCKED for a method that is closed to this session now, or null. */
  refusal({ role, session }: Actor, method: string): AirlockError | null {
    if (OPEN_METHODS.has(method)) return null;
    const block = this.#options.blocks.find(role, session, this.#bootMs);
    return block === null ? null : this.#blocked(block);
  }

  /** ANOM-1. @returns BLOCKED where this call is one too many, or null */
  calling(watched: Watched): AirlockError | null {
    return this.#observe(watched, { what: 'call' });
  }

  /** ANOM-2. @returns the error as it may leave: itself, or BLOCKED where it is one too many */
  ended(watched: Watched, error: AirlockError, target: string): AirlockError {
    const blocked = this.#observe(watched, { what: 'refusal', code: error.code, target });
    // Whether something happened must be told, whatever else is.
    if (blocked === null || error.code === 'OUTCOME_UNKNOWN') return error;
    const { audit } = error.data;
    return audit === undefined ? blocked : new AirlockError('BLOCKED', blocked.message, { ...blocked.data, audit });
  }

  /** The block that stands against a session, for status. */
  blockOf({ role, session }: Actor): BlockView | null {
    const block = this.#options.blocks.find(role, session, this.#bootMs);
    return block === null ? null : this.#view(block);
  }

  /** Blocks of all roles of an operator, oldest first. */
  list(operator: string): readonly BlockView[] {
    const { blocks } = this.#options;
    return blocks
      .all()
      .filter((block) => block.operator === operator && block.untilBootMs > this.#bootMs)
      .map((block) => this.#view(block));
  }

  /** By the operator. @param session null: the role, and every session of it. @returns how many were lifted */
  lift(operator: string, role: string, session: string | null): number {
    const lifted = this.#options.blocks.lift(operator, role, session);
    for (const block of lifted) this.#lifted(block, 'operator');
    return lifted.length;
  }

  /** Ends what time has ended. */
  tick(): void {
    for (const block of this.#options.blocks.expire(this.#bootMs)) this.#lifted(block, 'time');
  }

  close(): void {
    this.#options.blocks.close();
  }

  get #bootMs(): number {
    return this.#options.clock.bootMs();
  }

  #observe(watched: Watched, observed: Observed): AirlockError | null {
    const { role, session } = watched;
    if (role === OPERATOR_ROLE || this.#options.blocks.find(role, session, this.#bootMs) !== null) return null;
    const anomaly = this.#detector.observe({ role, session }, observed, this.#bootMs);
    return anomaly === null ? null : this.#block(watched.operator, anomaly);
  }

  #block(operator: string, anomaly: Anomaly): AirlockError {
    const { blocks, clock, config, note } = this.#options;
    const { role, kind, limit } = anomaly;
    const session = blocks.countOf(role) < GATEWAY_LIMITS.maxBlockedSessionsPerRole ? anomaly.session : null;
    const untilBootMs = this.#bootMs + config.blockS * 1000;
    const block: Block = { operator, role, session, kind, limit, sinceMs: clock.wallMs(), untilBootMs };
    blocks.add(block);
    this.#detector.forget({ role, session });
    note('blocked', { ...fieldsOf(block), limit, until: this.#view(block).until });
    return this.#blocked(block);
  }

  #lifted(block: Block, why: 'operator' | 'time'): void {
    this.#detector.forget(block);
    this.#options.note('unblocked', { ...fieldsOf(block), why });
  }

  #blocked(block: Block): AirlockError {
    const { role, session, untilBootMs } = block;
    const who = session === null ? `role ${role}` : 'this session';
    return new AirlockError('BLOCKED', `${who} is blocked: ${reasonOf(block)}`, {
      retryAfterMs: Math.max(0, Math.ceil(untilBootMs - this.#bootMs)),
    });
  }

  #view(block: Block): BlockView {
    const { role, session, kind, sinceMs, untilBootMs } = block;
    const retryAfterMs = Math.max(0, Math.ceil(untilBootMs - this.#bootMs));
    const until = isoTime(this.#options.clock.wallMs() + retryAfterMs);
    return { role, session, kind, reason: reasonOf(block), since: isoTime(sinceMs), until, retryAfterMs };
  }
}

const fieldsOf = ({ operator, role, session, kind }: Block): Fields => ({
  operator,
  role,
  ...(session === null ? {} : { session }),
  anomaly: kind,
});
