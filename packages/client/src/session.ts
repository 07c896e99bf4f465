/**
 * A session with the gateway that outlives its connections.
 *
 * CLIENT-1 a lost connection is opened anew, at most `backoff.tries` times in a row, and takes up the same session.
 * CLIENT-2 a call that was in flight is sent once more, and only where doing it twice changes nothing.
 * CLIENT-3 whether a lost call that changes something happened is not known: OUTCOME_UNKNOWN, never a guess.
 * CLIENT-4 the resume secret stands in no message, event or error.
 */
import { connectSocket, type Connection } from '@airlock/ipc';
import { AirlockError, systemTimers, type HelloResult, type TimerHandle, type Timers } from '@airlock/protocol';
import { DEFAULT_BACKOFF, backoffMs, type Backoff } from './backoff.js';
import type { Caller, CallerOptions } from './calls/caller.js';
import { hello } from './calls/hello.js';
import { isAirlockError } from './errors.js';
import { OpenCalls } from './exchange.js';
import { notificationTable, sessionEmitter, type SessionEmitter } from './events.js';
import type { AgentSocket } from './socket.js';

export interface SessionOptions {
  readonly socket: AgentSocket;
  /** Name of the program, for the operator's list of sessions. At most 128 characters. */
  readonly client?: string | undefined;
  /** Takes up a session; where the gateway no longer knows it, a new one is begun. */
  readonly resume?: string | undefined;
  readonly timers?: Timers | undefined;
  readonly backoff?: Backoff | undefined;
}

/** interfaces.md: `hello {protocol: 1}`. */
const PROTOCOL = 1;
const DEFAULT_CLIENT = 'airlock-client';
/** How a gateway says that it has no such session. */
const RESUME_REFUSALS = ['NOT_FOUND', 'NOT_AUTHENTICATED', 'LEASE_SESSION', 'PARAMS_INVALID'] as const;

const closedError = (): AirlockError =>
  new AirlockError('UNAVAILABLE', 'the client was closed', { retry: 'never', hint: 'open a new one with connectAirlock' });

const lostCall = (): AirlockError => new AirlockError('OUTCOME_UNKNOWN', 'the connection ended before the answer came');

const always = (): Promise<boolean> => Promise.resolve(true);

export class Session implements Caller {
  readonly events: SessionEmitter = sessionEmitter();
  /** Those with a channel. */
  readonly openCalls = new OpenCalls();
  readonly #socket: AgentSocket;
  readonly #client: string;
  readonly #timers: Timers;
  readonly #backoff: Backoff;
  #resume: string | undefined;
  #hello: HelloResult | null = null;
  #connection: Connection | null = null;
  #opening: Promise<Connection> | null = null;
  #isClosed = false;
  #pause: { readonly timer: TimerHandle; readonly wake: () => void } | null = null;

  private constructor(options: SessionOptions) {
    this.#socket = options.socket;
    this.#client = options.client ?? DEFAULT_CLIENT;
    this.#timers = options.timers ?? systemTimers;
    this.#backoff = options.backoff ?? DEFAULT_BACKOFF;
    this.#resume = options.resume;
  }

  /** Connects once, without waiting for a gateway that is not there. @throws AirlockError UNAVAILABLE with the remedy. */
  static async open(options: SessionOptions): Promise<Session> {
    const session = new Session(options);
    session.#connection = await session.#connect();
    return session;
  }

  /** Role as the gateway says it. */
  get role(): string {
    return this.#hello?.role ?? this.#socket.role;
  }

  /** Id of the session, no secret. */
  get id(): string {
    return this.#hello?.session ?? '';
  }

  /** Secret that takes up this session elsewhere; for a sub-agent, or the lease store. */
  get resume(): string {
    return this.#resume ?? '';
  }

  /** Version of the gateway. */
  get server(): string {
    return this.#hello?.server ?? '';
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Asks the gateway, after reconnecting where that is needed.
   * @returns the answer, unchecked; the functions of `calls/` check it.
   */
  async call(method: string, params: object, { timeoutMs, mayRepeat = always }: CallerOptions = {}): Promise<unknown> {
    const connection = await this.#ready();
    const options = timeoutMs === undefined ? {} : { timeoutMs };
    try {
      return await connection.call(method, params, options);
    } catch (thrown) {
      if (connection.isOpen || this.#isClosed) throw thrown;
    }
    if (!(await this.#isRepeatable(mayRepeat))) throw lostCall();
    return (await this.#ready()).call(method, params, options);
  }

  /** Ends the connection; calls in flight are refused with UNAVAILABLE. Leases stay as they are. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#pause?.wake();
    this.#connection?.close(closedError());
    this.#connection = null;
  }

  /** CLIENT-3: also where nobody can be asked, as the gateway is gone for good. */
  async #isRepeatable(mayRepeat: () => Promise<boolean>): Promise<boolean> {
    if (mayRepeat === always) return true;
    try {
      return await mayRepeat();
    } catch {
      return false;
    }
  }

  #ready(): Promise<Connection> {
    if (this.#isClosed) return Promise.reject(closedError());
    if (this.#connection?.isOpen) return Promise.resolve(this.#connection);
    this.#opening ??= this.#reconnect().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  async #reconnect(): Promise<Connection> {
    for (let failures = 0; ;) {
      try {
        const connection = await this.#connect();
        this.#connection = connection;
        this.events.emit('reconnected');
        return connection;
      } catch (thrown) {
        failures += 1;
        if (!isAirlockError(thrown, 'UNAVAILABLE') || failures >= this.#backoff.tries) throw thrown;
      }
      await this.#wait(backoffMs(this.#backoff, failures));
      if (this.#isClosed) throw closedError();
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#pause?.timer.cancel();
        this.#pause = null;
        resolve();
      };
      this.#pause = { timer: this.#timers.after(ms, wake), wake };
    });
  }

  async #connect(): Promise<Connection> {
    const resume = this.#resume;
    if (resume === undefined) return this.#greet(undefined);
    try {
      return await this.#greet(resume);
    } catch (thrown) {
      if (!isAirlockError(thrown, ...RESUME_REFUSALS)) throw thrown;
    }
    const connection = await this.#greet(undefined);
    this.events.emit('replaced');
    return connection;
  }

  async #greet(resume: string | undefined): Promise<Connection> {
    const connection = await connectSocket(this.#socket.path, {
      timers: this.#timers,
      notifications: notificationTable(this.events, this.openCalls),
      onClose: (closed) => this.#onLost(closed),
    });
    try {
      const params = { client: this.#client, protocol: PROTOCOL, ...(resume === undefined ? {} : { resume }) };
      const answer = await hello(connection, params);
      if (this.#isClosed) throw closedError();
      const isOther = this.#hello !== null && this.#hello.session !== answer.session;
      this.#hello = answer;
      this.#resume = answer.resume;
      if (isOther && resume !== undefined) this.events.emit('replaced');
      return connection;
    } catch (thrown) {
      connection.close();
      throw thrown;
    }
  }

  /** Reconnects unasked, so that notifications go on. Who calls meanwhile waits for the same attempt. */
  #onLost(connection: Connection): void {
    if (this.#isClosed || connection !== this.#connection) return;
    this.#connection = null;
    this.#ready().catch(() => {
      if (!this.#isClosed) this.events.emit('lost');
    });
  }
}
