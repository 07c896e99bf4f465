/**
 * The cells that are open: one for each lease and service, opened at most once at a time, moved on before their unit
 * ends them, closed when idle.
 *
 * POOL-1  a cell serves one lease and one service; another lease never gets it.
 * POOL-2  whatever ends a lease ends its cells, and with them its calls in flight.
 */
import { AirlockError, type CellEvent, type CellOpenParams, type CellRotate, type Clock, type Timers } from '@airlock/protocol';
import { GATEWAY_LIMITS } from '../limits.js';
import { connectCell, type Cell } from './cell.js';
import type { Holder, SlotLedger } from './slots.js';

export interface PoolOptions {
  readonly slots: SlotLedger;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Path of the socket of a slot. */
  readonly slotPath: (slot: number) => string;
  /** What a cell says that its service lists; anything. @throws AirlockError for what is no list: the cell is ended */
  readonly onListed: (key: CellKey, listed: unknown) => void;
  /** What a service says outside calls. @throws AirlockError where it cannot be recorded: the cell is ended */
  readonly onEvent: (key: CellKey, event: CellEvent) => void;
  /** A service asked for a one-time code where nobody can talk with it; told once a cell. */
  readonly onCodeAsked: (key: CellKey) => void;
  /** What the program of a service wrote to stderr last, in a trial too. */
  readonly onSaid: (key: ServiceKey, text: string) => void;
  /** A cell wants to change rotating fields of its credential, or has. */
  readonly onRotate: (key: CellKey, cell: Cell, rotate: CellRotate) => void;
}

/** A service of an operator. */
export interface ServiceKey {
  readonly operator: string;
  readonly service: string;
}

/** A lease and a service of it. */
export interface CellKey extends Holder {
  readonly lease: string;
  readonly service: string;
}

/** Fetches ticket and record for one opening. */
export type PrepareOpen = () => Promise<CellOpenParams>;

interface Place {
  readonly key: CellKey;
  readonly slot: number;
  readonly openedMs: number;
  usedMs: number;
  /** Set once connected. */
  cell: Cell | null;
  /** It answered `open`: calls may be sent. */
  isReady: boolean;
  /** Set where it has to end before or while it opens. */
  doom: AirlockError | null;
  /** Ends the opening at once, whatever it waits for. */
  abandon: (reason: AirlockError) => void;
  isFreed: boolean;
  ready: Promise<Cell>;
}

const idle = (): AirlockError => new AirlockError('UNAVAILABLE', 'the cell was idle');
const aged = (): AirlockError =>
  new AirlockError('UNAVAILABLE', 'the cell was replaced by a fresh one', { retryAfterMs: GATEWAY_LIMITS.cellDiedRetryMs });

/** A trial is asked one thing, and what else it says is of no interest, but for a program's last words. */
const DEAF = {
  ...{ onClose: () => undefined, onListed: () => undefined },
  ...{ onEvent: () => undefined, onCodeAsked: () => undefined, onRotate: () => undefined },
};

const nameOf = (lease: string, service: string): string => `${lease}/${service}`;

export class CellPool {
  readonly #options: PoolOptions;
  readonly #places = new Map<string, Place>();
  /** Too old for new calls, and still busy with the last ones. */
  readonly #leaving = new Set<Place>();
  /** Cells of their own for one operation each. */
  readonly #alone = new Set<Place>();

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** An open cell without waiting, or null. */
  ready(lease: string, service: string): Cell | null {
    const place = this.#places.get(nameOf(lease, service));
    if (place?.isReady !== true || place.cell?.isOpen !== true) return null;
    const nowMs = this.#options.clock.bootMs();
    if (nowMs - place.openedMs >= GATEWAY_LIMITS.cellMaxAgeMs) return null;
    place.usedMs = nowMs;
    return place.cell;
  }

  /** The cell of a lease and service, opened where there is none. @throws AirlockError UNAVAILABLE and what the cell says. */
  get(key: CellKey, prepare: PrepareOpen): Promise<Cell> {
    const name = nameOf(key.lease, key.service);
    const cell = this.ready(key.lease, key.service);
    if (cell !== null) return Promise.resolve(cell);
    const known = this.#places.get(name);
    if (known !== undefined) {
      if (!known.isReady && known.doom === null) return known.ready;
      this.#retire(name, known);
    }
    return this.#open(name, key, prepare);
  }

  /** A cell of its own for one use, under the operator's name; closed when `use` is done. */
  async trial<T>(holder: Holder, params: CellOpenParams, use: (cell: Cell) => Promise<T>): Promise<T> {
    const { slots, slotPath, timers, onSaid } = this.#options;
    const slot = slots.take(holder);
    let cell: Cell | null = null;
    try {
      const key = { operator: holder.operator, service: params.service };
      cell = await connectCell({ path: slotPath(slot), timers, ...DEAF, onSaid: (text) => onSaid(key, text) });
      await cell.open(params);
      return await use(cell);
    } finally {
      cell?.close(idle());
      slots.free(slot);
    }
  }

  /**
   * A cell of its own for one use; like any other it ends with its lease. The slot was taken by the caller, and is free
   * when this settles. @throws AirlockError of `prepare`, the cell, `use`, or why the cell was ended
   */
  async alone<T>(slot: number, key: CellKey, prepare: PrepareOpen, use: (cell: Cell) => Promise<T>): Promise<T> {
    const place = this.#newPlace(slot, key);
    this.#alone.add(place);
    try {
      return await use(await this.#begin('', place, prepare));
    } finally {
      this.#end('', place, idle());
      this.#gone('', place);
    }
  }

  /** Resolves when no cell is being opened any more that was when this was asked. */
  async opened(): Promise<void> {
    await Promise.allSettled([...this.#places.values(), ...this.#alone].map(({ ready }) => ready));
  }

  /** Calls in flight are finished, the next ones get fresh cells: the credential is another. */
  retireService(operator: string, service: string): void {
    for (const [name, place] of [...this.#places])
      if (place.key.operator === operator && place.key.service === service && place.isReady) this.#retire(name, place);
  }

  /** POOL-2. */
  endLease(lease: string, reason: AirlockError): void {
    this.#endWhere((key) => key.lease === lease, reason);
  }

  endService(operator: string, service: string, reason: AirlockError): void {
    this.#endWhere((key) => key.operator === operator && key.service === service, reason);
  }

  endOperator(operator: string, reason: AirlockError): void {
    this.#endWhere((key) => key.operator === operator, reason);
  }

  endAll(reason: AirlockError): void {
    this.#endWhere(() => true, reason);
  }

  /** Closes what nobody used for a minute, and what is too old and free. */
  tick(): void {
    const nowMs = this.#options.clock.bootMs();
    for (const [name, place] of this.#places) {
      if (!place.isReady || place.cell === null || place.cell.inFlight > 0) continue;
      const isIdle = nowMs - place.usedMs >= GATEWAY_LIMITS.cellIdleMs;
      if (isIdle || nowMs - place.openedMs >= GATEWAY_LIMITS.cellMaxAgeMs) this.#end(name, place, idle());
    }
    for (const place of this.#leaving) if (place.cell === null || place.cell.inFlight === 0) this.#end('', place, aged());
  }

  /** Takes the slot at once, so that the ledger holds whatever comes in meanwhile. */
  async #open(name: string, key: CellKey, prepare: PrepareOpen): Promise<Cell> {
    const place = this.#newPlace(this.#options.slots.take(key), key);
    this.#places.set(name, place);
    return this.#begin(name, place, prepare);
  }

  #newPlace(slot: number, key: CellKey): Place {
    const nowMs = this.#options.clock.bootMs();
    return {
      ...{ key, slot, openedMs: nowMs, usedMs: nowMs },
      ...{ cell: null, isReady: false, doom: null, isFreed: false, ready: never, abandon: () => undefined },
    };
  }

  #begin(name: string, place: Place, prepare: PrepareOpen): Promise<Cell> {
    const abandoned = new Promise<never>((_, reject) => (place.abandon = reject));
    place.ready = Promise.race([this.#connect(name, place, prepare), abandoned]);
    return place.ready;
  }

  async #connect(name: string, place: Place, prepare: PrepareOpen): Promise<Cell> {
    let cell: Cell | null = null;
    try {
      const params = await prepare();
      this.#checkDoom(place);
      const { slotPath, timers } = this.#options;
      const { onListed, onEvent, onCodeAsked, onSaid, onRotate } = this.#options;
      cell = await connectCell({
        ...{ path: slotPath(place.slot), timers },
        onClose: () => this.#gone(name, place),
        onListed: (listed) => onListed(place.key, listed),
        onEvent: (event) => onEvent(place.key, event),
        onCodeAsked: () => onCodeAsked(place.key),
        onSaid: (text) => onSaid(place.key, text),
        onRotate: (rotate, from) => onRotate(place.key, from, rotate),
      });
      this.#checkDoom(place);
      // From here on an end of the lease reaches the cell itself.
      place.cell = cell;
      await cell.open(params);
      this.#checkDoom(place);
      place.isReady = true;
      return cell;
    } catch (thrown) {
      cell?.close(place.doom ?? idle());
      this.#gone(name, place);
      throw place.doom ?? thrown;
    }
  }

  #checkDoom({ doom }: Place): void {
    if (doom !== null) throw doom;
  }

  /** Frees the slot, once. */
  #gone(name: string, place: Place): void {
    if (this.#places.get(name) === place) this.#places.delete(name);
    this.#leaving.delete(place);
    this.#alone.delete(place);
    if (place.isFreed) return;
    place.isFreed = true;
    this.#options.slots.free(place.slot);
  }

  #end(name: string, place: Place, reason: AirlockError): void {
    place.doom ??= reason;
    place.abandon(reason);
    place.cell?.close(reason);
    if (place.cell !== null) this.#gone(name, place);
  }

  /** Makes room for a fresh cell: ends this one, or lets it finish its last calls. */
  #retire(name: string, place: Place): void {
    this.#places.delete(name);
    if (place.cell !== null && place.cell.isOpen && place.cell.inFlight > 0) this.#leaving.add(place);
    else this.#end(name, place, aged());
  }

  #endWhere(matches: (key: CellKey) => boolean, reason: AirlockError): void {
    for (const [name, place] of [...this.#places]) if (matches(place.key)) this.#end(name, place, reason);
    for (const place of [...this.#leaving, ...this.#alone]) if (matches(place.key)) this.#end('', place, reason);
  }
}

/** Stands in for `ready` between making a place and opening it. */
const never = new Promise<Cell>(() => undefined);
