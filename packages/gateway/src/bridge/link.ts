/**
 * The one connection to airlock-totp.
 *
 * BRIDGE-1  hello, then the lease key in a binary frame; before both are there nothing is served.
 * BRIDGE-2  a heartbeat every 500 ms; an answer older than 2 s means cut off. Measured on the monotonic clock: it is about a process.
 * BRIDGE-3  reconnects for as long as this process lives.
 * BRIDGE-7  the frame brings the earlier keys with it, and replaces all that were there: one that it does not name verifies nothing more.
 */
import { connectSocket, type Connection, type NotificationTable } from '@airlock/ipc';
import type { LeaseKeys } from '@airlock/lease';
import {
  AirlockError,
  LIMITS,
  type BridgeHelloResult,
  type BridgeNotification,
  type HeldHead,
  type Timers,
} from '@airlock/protocol';
import { GATEWAY_LIMITS } from '../limits.js';
import { readKeysFrame, wipeKeys } from './keys-frame.js';

type Params<M extends BridgeNotification['method']> = Extract<BridgeNotification, { readonly method: M }>['params'];
/** What airlock-totp tells unasked, by method. */
export type BridgeHandlers = { readonly [M in BridgeNotification['method']]: (params: Params<M>) => void };

export interface LinkOptions {
  readonly path: string;
  readonly timers: Timers;
  readonly handlers: BridgeHandlers;
  /** What this side holds of its log, told with each hello (BRIDGE-8). */
  readonly held: () => HeldHead;
  /** After each hello and key: the list of live leases replaces what was known. */
  readonly onUp: (hello: BridgeHelloResult) => void;
  /** Once when airlock-totp is cut off; calls are refused from then on. */
  readonly onLost: (reason: AirlockError) => void;
}

const cutOff = (): AirlockError =>
  new AirlockError('UNAVAILABLE', 'airlock-totp does not answer, so nothing is served', {
    hint: 'try again in a few seconds; the operator can run: airlock-ctl doctor',
    retryAfterMs: GATEWAY_LIMITS.heartbeatLostMs,
  });

/** Airlock-totp is trusted with more than shapes: it decides who may do what. */
const anyParams = (): null => null;

export class BridgeLink {
  readonly #options: LinkOptions;
  readonly #notifications: NotificationTable<undefined>;
  #connection: Connection | null = null;
  #hello: BridgeHelloResult | null = null;
  /** Notifications that came before the hello of their connection was acted on. */
  #early: (() => void)[] = [];
  /** The hello that was acted on, so that each is acted on once. */
  #announced: BridgeHelloResult | null = null;
  #bootId: string | null = null;
  #keys: LeaseKeys | null = null;
  #kid = '';
  /** Monotonic time of the last answer; null: never. */
  #heardMs: number | null = null;
  #lost = true;
  #stopped = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#notifications = Object.fromEntries(
      Object.entries(options.handlers).map(([method, handle]) => [
        method,
        { params: anyParams, handle: (params: object) => this.#tell(handle as (params: object) => void, params) },
      ]),
    );
  }

  /** What verifies leases: the keys, and the boot id as airlock-totp has it. @throws AirlockError UNAVAILABLE before the first hello. */
  get verifier(): { readonly keys: LeaseKeys; readonly bootId: string } {
    if (this.#keys === null || this.#bootId === null) throw cutOff();
    return { keys: this.#keys, bootId: this.#bootId };
  }

  /** Milliseconds since the last answer, or null. */
  get ageMs(): number | null {
    return this.#heardMs === null ? null : this.#options.timers.nowMs() - this.#heardMs;
  }

  /** BRIDGE-2. @returns UNAVAILABLE, or null where it lives. */
  refusal(): AirlockError | null {
    const ageMs = this.ageMs;
    return ageMs === null || ageMs > GATEWAY_LIMITS.heartbeatLostMs || this.#keys === null ? cutOff() : null;
  }

  /**
   * Asks airlock-totp, once its hello was acted on: a head offered before it is known which one was signed last, by a process
   * that was killed before it could say so, would count as another history (BRIDGE-5).
   * @throws AirlockError of airlock-totp, or UNAVAILABLE.
   */
  async call<T>(method: string, params: object, timeoutMs: number = GATEWAY_LIMITS.bridgeCallTimeoutMs): Promise<T> {
    if (this.#connection === null || this.#hello === null || this.#hello !== this.#announced) throw cutOff();
    return (await this.#connection.call(method, params, { timeoutMs })) as T;
  }

  start(): void {
    void this.#connectForEver();
    this.#beat();
  }

  stop(): void {
    this.#stopped = true;
    this.#connection?.close();
    wipeKeys(this.#keys);
  }

  /** Ends the connection; the next one begins with a hello, which says where airlock-totp stands. */
  renew(): void {
    // Where none was acted on, one is under way.
    if (this.#hello !== null && this.#hello === this.#announced) this.#connection?.close();
  }

  /** Called by the tick: notices that the last answer became too old. */
  tick(): void {
    const reason = this.refusal();
    if (this.#lost || reason === null) return;
    this.#lost = true;
    this.#options.onLost(reason);
  }

  async #connectForEver(): Promise<void> {
    while (!this.#stopped) {
      await this.#connectOnce();
      await new Promise<void>((resolve) => void this.#options.timers.after(GATEWAY_LIMITS.reconnectMs, resolve));
    }
  }

  /** Resolves when the connection has ended, or could not be made. */
  async #connectOnce(): Promise<void> {
    try {
      await new Promise<void>((resolve, reject) => {
        const opening = connectSocket(this.#options.path, {
          timers: this.#options.timers,
          notifications: this.#notifications,
          limits: { maxBinaryBytes: LIMITS.maxBinaryFrameBytes, maxInFlightPerConnection: Number.MAX_SAFE_INTEGER },
          onBinary: (type, payload, connection) => this.#onFrame(type, payload, connection),
          onClose: () => resolve(),
        });
        opening.then((connection) => this.#greet(connection)).catch(reject);
      });
    } catch {
      // Not there, or not as it should be: tried again for as long as this process lives (BRIDGE-3).
    }
    this.#connection?.close();
    this.#connection = null;
    this.#hello = null;
  }

  /**
   * What airlock-totp tells right behind its answer to hello is handled before that answer is: told at once, it would be
   * replaced by the older list of leases, and a lease just issued would count as revoked (BRIDGE-3).
   */
  #tell(handle: (params: object) => void, params: object): void {
    if (this.#hello !== null && this.#hello === this.#announced) handle(params);
    else this.#early.push(() => handle(params));
  }

  async #greet(connection: Connection): Promise<void> {
    this.#connection = connection;
    this.#early = [];
    const timeoutMs = GATEWAY_LIMITS.bridgeCallTimeoutMs;
    const hello = (await connection.call('hello', { protocol: 1, ...this.#options.held() }, { timeoutMs })) as BridgeHelloResult;
    this.#hello = hello;
    this.#up();
  }

  /** LEASE_KEY (BRIDGE-7). */
  #onFrame(type: number, payload: Buffer, connection: Connection): void {
    const read = readKeysFrame(type, payload);
    if (read === null)
      return connection.close(new AirlockError('FRAME_INVALID', 'airlock-totp sent a frame that is no lease key'));
    wipeKeys(this.#keys);
    this.#keys = read.keys;
    this.#kid = read.kid;
    this.#up();
  }

  /** Hello and its key are both there. */
  #up(): void {
    const hello = this.#hello;
    if (hello === null || hello === this.#announced || this.#keys === null || this.#kid !== hello.kid) return;
    this.#announced = hello;
    this.#bootId = hello.bootId;
    this.#heardMs = this.#options.timers.nowMs();
    this.#lost = false;
    this.#options.onUp(hello);
    for (const told of this.#early.splice(0)) told();
  }

  #beat(): void {
    if (this.#stopped) return;
    this.#options.timers.after(GATEWAY_LIMITS.heartbeatMs, () => this.#beat());
    if (this.#connection === null || this.#hello === null) return;
    this.#connection.call('heartbeat', {}, { timeoutMs: GATEWAY_LIMITS.heartbeatLostMs }).then(
      () => {
        this.#heardMs = this.#options.timers.nowMs();
        // Heard again on the same connection: no notification was missed.
        this.#lost = false;
      },
      () => undefined,
    );
  }
}
