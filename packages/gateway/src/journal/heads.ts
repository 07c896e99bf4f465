/**
 * Has the log countersigned by airlock-totp (docs/spec/release.md BRIDGE-5).
 *
 * HEADS-1  only what is on disk is offered.
 * HEADS-2  a checkpoint record does not itself call for another head.
 * HEADS-3  one request at a time; heads are offered in order.
 * HEADS-4  a log that is shorter than what was countersigned, or another, is reported at once, and once.
 * HEADS-5  the newest signed head is told at each hello, so that an airlock-totp that was put back to an older state learns it.
 * HEADS-6  where no answer came, it may have been signed all the same: nothing is offered until a hello says which head is the newest.
 * HEADS-7  where the records that have to be signed next are no longer there (removed because of their age, and airlock-totp put back
 *          to a state of before), nothing is signed, and the daemon is sealed by it.
 */
import { parseSignedHead, type AuditLog } from '@airlock/audit';
import { wasAnswered } from '@airlock/ipc';
import { AirlockError, asAirlockError, type SignedHeadResult } from '@airlock/protocol';
import { GATEWAY_LIMITS } from '../limits.js';

/** Asks airlock-totp to sign: `head.sign`. */
export type SignHead = (claim: HeadSignClaim) => Promise<SignedHeadResult>;

export interface HeadSignClaim {
  readonly size: number;
  readonly digests: readonly string[];
  /** The hash of this log at `size`, where no more digests follow. */
  readonly hash?: string;
}

const unsignable = (signed: number, { message }: AirlockError): AirlockError =>
  new AirlockError(
    'AUDIT_UNAVAILABLE',
    `nothing can be signed after record ${signed}, the last that airlock-totp knows of: ${message}`,
    {
      hint: 'was airlock-totp put back to an older state? then: sudo airlock-ctl audit accept --log gateway; else airlock-ctl audit verify says what is lost',
    },
  );

export class Heads {
  readonly #log: AuditLog;
  readonly #sign: SignHead;
  readonly #resync: () => void;
  #signedSize = 0;
  /** null before the first. */
  #signedHash: string | null = null;
  /** airlock-totp was told of a log that is too short; until the next hello there is nothing more to say. */
  #isReported = false;
  /** What is here must not be signed; until the next hello. */
  #isResting = false;
  /** A request was not answered: which head is the newest is not known until the next hello (HEADS-6). */
  #isUnknown = false;
  /** Size of the log right after our last checkpoint record. */
  #quietSize = 0;
  #last: string | null = null;
  /** The newest that was ever signed of this log, whatever airlock-totp knows of it now. */
  #newest: string | null;
  #running: Promise<string> | null = null;
  #problem: AirlockError | null = null;
  #againAtMs = 0;

  /** @param resync asks for another hello */
  constructor(log: AuditLog, sign: SignHead, resync: () => void = () => undefined) {
    this.#log = log;
    this.#sign = sign;
    this.#resync = resync;
    this.#newest = log.checkpoint;
  }

  /** HEADS-5 */
  get newest(): string | null {
    return this.#newest;
  }

  /** HEADS-7: why nothing can be signed, as long as it is so. */
  get problem(): AirlockError | null {
    return this.#problem;
  }

  /** After each hello: where airlock-totp stands. */
  resume(head: string | null): void {
    this.#problem = null;
    this.#last = head;
    const signed = head === null ? null : parseSignedHead(head);
    this.#signedSize = signed?.size ?? 0;
    this.#signedHash = signed?.hash ?? null;
    // One that has lost its newest head is given it again, though nothing but checkpoints was written since.
    if (this.#signedSize + 1 < this.#quietSize) this.#quietSize = 0;
    this.#isReported = false;
    this.#isUnknown = false;
    this.#isResting = false;
  }

  /** Nothing more is offered before the next hello: what is here is about to be set aside. */
  rest(): void {
    this.#isResting = true;
  }

  /** After an unlock: what was refused is said once more, so that no unlock leaves a log that nobody signs. */
  retry(): void {
    this.#isReported = false;
  }

  /** HEADS-2: whether anything but checkpoints was written since the last head. HEADS-4. */
  get isDue(): boolean {
    const { size, hash } = this.#log.durableHead();
    if (this.#isReported || this.#isUnknown || this.#isResting) return false;
    if (size === this.#signedSize) return this.#isOther(hash);
    return size < this.#signedSize || (size > this.#signedSize && size > this.#quietSize);
  }

  /** Asks for a head once a second where one is due. */
  tick(nowMs: number): void {
    if (nowMs < this.#againAtMs || this.#running !== null || this.#log.sealed !== null || !this.isDue) return;
    this.#againAtMs = nowMs + GATEWAY_LIMITS.headIntervalMs;
    this.checkpoint().catch(() => undefined);
  }

  /** A head over all that was written until now. @returns the signed note. @throws AirlockError AUDIT_UNAVAILABLE, UNAVAILABLE. */
  checkpoint(): Promise<string> {
    this.#running = (this.#running ?? Promise.resolve(''))
      .catch(() => '')
      .then(() => this.#run())
      .finally(() => (this.#running = null));
    return this.#running;
  }

  /** As long as what was signed, and not that: nothing more need be written for it to be told. */
  #isOther(hash: string): boolean {
    return this.#signedHash !== null && hash !== this.#signedHash;
  }

  async #run(): Promise<string> {
    if (this.#isUnknown) throw new AirlockError('UNAVAILABLE', 'airlock-totp was asked for a head and has not answered yet');
    await this.#log.flush();
    const { size: target, hash } = this.#log.durableHead();
    if (target === this.#signedSize && this.#last !== null && !this.#isOther(hash)) return this.#last;
    let head = '';
    do head = await this.#signUpTo(target, hash);
    while (this.#signedSize < target);
    this.#last = head;
    const wasQuiet = this.#log.head().size === target;
    const seq = this.#log.append('checkpoint', { note: head });
    if (wasQuiet) this.#quietSize = seq;
    return head;
  }

  /** One request's worth of digests. What is shorter than what was signed, or another history, is told too: airlock-totp locks (BRIDGE-6). */
  async #signUpTo(target: number, hash: string): Promise<string> {
    // ACCEPT-8: airlock-totp would take it for the new log.
    if (this.#isResting) throw new AirlockError('UNAVAILABLE', 'the log is about to begin anew');
    const from = Math.min(this.#signedSize, target);
    const digests = this.#digests(from, Math.min(target - from, GATEWAY_LIMITS.maxDigestsPerHead));
    const size = from + digests.length;
    try {
      const { head } = await this.#sign({ size, digests, ...(size === target ? { hash } : {}) });
      if (size < this.#signedSize) throw new AirlockError('AUDIT_UNAVAILABLE', 'the log is shorter than what was countersigned');
      this.#signedSize = size;
      this.#signedHash = parseSignedHead(head).hash;
      this.#newest = head;
      return head;
    } catch (thrown) {
      // HEADS-4
      if (asAirlockError(thrown).code === 'AUDIT_UNAVAILABLE') this.#isReported = true;
      else if (!wasAnswered(thrown)) this.#lost();
      throw thrown;
    }
  }

  /** HEADS-7 @throws AirlockError AUDIT_UNAVAILABLE */
  #digests(size: number, max: number): string[] {
    try {
      const digests = this.#log.digestsSince(size, max).map((digest) => digest.toString('hex'));
      this.#problem = null;
      return digests;
    } catch (thrown) {
      throw (this.#problem = unsignable(this.#signedSize, asAirlockError(thrown)));
    }
  }

  /** HEADS-6 */
  #lost(): void {
    this.#isUnknown = true;
    this.#resync();
  }
}
