/**
 * The parked operations, one durable file each.
 *
 * PARKED-1  every change is on disk before anything follows from it, so a kill or a power cut leaves the old or the new state.
 * PARKED-2  one found running when this process starts may have happened: it is unknown from then on and never run again.
 */
import { join } from 'node:path';
import { AirlockError, type Clock } from '@airlock/protocol';
import { GATEWAY_LIMITS } from '../limits.js';
import { listDirectory, readListedFile, removeFile, writeDurable } from '../state/files.js';
import { isRequestId, isSettled, parseParked, type Parked, type ParkedFacts } from './parked.js';

const SUFFIX = '.json';

const damaged = (path: string): AirlockError =>
  new AirlockError('VAULT_UNREADABLE', `${path} is no parked operation`, {
    hint: `as root, look at ${path}; moved away, its operation is never run and its outcome is lost`,
  });

const notKept = (): AirlockError =>
  new AirlockError('UNAVAILABLE', 'the state of the operation cannot be written, so nothing is done', {
    hint: 'the operator can run: airlock-ctl doctor',
  });

export class OperationShelf {
  /** null: nothing is kept, where the state cannot be used and nothing is served. */
  readonly #dir: string | null;
  readonly #clock: Clock;
  readonly #parked = new Map<string, Parked>();
  /** Calls that are being put before the human, by lease and digest: not parked yet (PARK-3). */
  readonly beingOpened = new Map<string, Promise<Parked>>();

  /** @throws AirlockError VAULT_UNREADABLE for a file that is not ours or none of these. */
  constructor(dir: string | null, clock: Clock) {
    this.#dir = dir;
    this.#clock = clock;
    if (dir === null) return;
    const names = listDirectory(dir).filter((name) => name.endsWith(SUFFIX));
    for (const name of names) this.#read(join(dir, name), name.slice(0, -SUFFIX.length));
    this.#forgetOld();
  }

  get(request: string): Parked | undefined {
    return this.#parked.get(request);
  }

  /** @returns all that have this state. */
  inState(state: Parked['state']): Parked[] {
    return [...this.#parked.values()].filter((one) => one.state === state);
  }

  /** The same call of the same session under the same lease that is not settled. */
  findSame({ session, lease, digest }: Pick<Parked, 'session' | 'lease' | 'digest'>): Parked | undefined {
    return [...this.#parked.values()].find(
      (one) => !isSettled(one) && one.session === session && one.lease === lease && one.digest === digest,
    );
  }

  /** Durable on return. @throws AirlockError UNAVAILABLE; then it is not kept. */
  add(facts: ParkedFacts): Parked {
    const empty = { reason: null, outcome: null, error: null, audit: null };
    const parked: Parked = { ...facts, ...empty, state: 'waiting', changedMs: this.#clock.wallMs() };
    this.#write(parked);
    this.#forgetOld();
    return parked;
  }

  /** Durable on return. @throws AirlockError UNAVAILABLE; then the old state stands. */
  change(parked: Parked, change: Partial<Omit<Parked, keyof ParkedFacts>>): Parked {
    const next: Parked = { ...parked, ...change, changedMs: this.#clock.wallMs() };
    this.#write(next);
    return next;
  }

  #read(path: string, request: string): void {
    const parked = isRequestId(request) ? parseParked(readListedFile(path), request) : null;
    if (parked === null) throw damaged(path);
    this.#parked.set(request, parked);
    if (parked.state === 'running') this.change(parked, { state: 'unknown' });
  }

  /** @throws AirlockError UNAVAILABLE where nothing can be kept under this name */
  #pathOf(request: string): string {
    if (this.#dir === null || !isRequestId(request)) throw notKept();
    return join(this.#dir, `${request}${SUFFIX}`);
  }

  #write(parked: Parked): void {
    const path = this.#pathOf(parked.request);
    try {
      writeDurable(path, `${JSON.stringify(parked)}\n`);
    } catch {
      throw notKept();
    }
    this.#parked.set(parked.request, parked);
  }

  /** What is settled goes after a day, and the oldest of a role beyond its share. */
  #forgetOld(): void {
    const nowMs = this.#clock.wallMs();
    const count = new Map<string, number>();
    const settled = [...this.#parked.values()].filter(isSettled).sort((a, b) => b.changedMs - a.changedMs);
    for (const { request, role, changedMs } of settled) {
      const ofRole = (count.get(role) ?? 0) + 1;
      count.set(role, ofRole);
      if (ofRole <= GATEWAY_LIMITS.maxOutcomesPerRole && nowMs - changedMs < GATEWAY_LIMITS.outcomeKeptMs) continue;
      this.#parked.delete(request);
      this.#remove(request);
    }
  }

  /** One that cannot be removed now is forgotten again at the next start. */
  #remove(request: string): void {
    try {
      removeFile(this.#pathOf(request));
    } catch {
      // The state directory cannot be written; whatever has to be kept says so.
    }
  }
}
