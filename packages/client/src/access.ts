/** One lease in use: calls under it, narrowing it for a sub-agent, giving it back. */
import { AirlockError, canonicalScopes, isoTime, parseScope, scopeCovers, systemClock, systemTimers } from '@airlock/protocol';
import type { CallResult, Json, Params } from '@airlock/protocol';
import { accessRelease } from './calls/access-release.js';
import { call } from './calls/call.js';
import { callOnChannel, type ExchangeChoice } from './exchange.js';
import { isAirlockError } from './errors.js';
import type { LeaseEnded } from './events.js';
import { awaitOutcome, pendingOperation } from './outcome.js';
import { serviceHandle, withHandles } from './handles.js';
import { operationName } from './names.js';
import { leaseFacts, narrow, type Narrowing } from './narrow.js';
import type { Session } from './session.js';

/** A handle nobody described: every operation takes an object and gives JSON. */
export type OpenHandle = Readonly<Record<string, (params?: Params) => Promise<Json>>>;

/** How a call is made, and what it does where its operation needs an approval of its own. */
export interface CallChoice {
  /** Waits for the human and the outcome; without it the call ends with APPROVAL_PENDING and `data.request`. */
  readonly wait?: boolean | undefined;
  /** Called once the request is there: show the message, which names the match number, to the human. */
  readonly onPending?: ((pending: AirlockError) => void) | undefined;
  /** Cancels the call, or ends the waiting for an approval, not the request. */
  readonly signal?: AbortSignal | undefined;
  /** Sent in place of the intent the lease was asked for with. */
  readonly intent?: string | undefined;
  /** Talks with the service while the call runs; not for an operation that waits for an approval of its own. */
  readonly exchange?: ExchangeChoice | undefined;
}

export type AccessEnd = LeaseEnded['why'] | 'replaced';

export interface AccessCore {
  /** Id of the lease: no secret, names it in status and audit. */
  readonly id: string;
  /** Text of the lease as it is used: whoever has it and the session may use it. */
  readonly lease: string;
  readonly scopes: readonly string[];
  /** ISO 8601 UTC. */
  readonly expiresAt: string;
  /** Why it ended; null while it lives, as far as the gateway has said. */
  readonly ended: AccessEnd | null;
  /** @throws AirlockError with the gateway's code. `operation` in camelCase or snake_case. */
  call(service: string, operation: string, params?: Params, options?: CallChoice): Promise<CallResult>;
  /** The handle of a service whose name is not typed, or taken by a member of this object. */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- only the caller knows what the service is
  service<T extends object = OpenHandle>(name: string): T;
  /** A lease that allows less, made offline; for a sub-agent in the same session. @throws AirlockError PARAMS_INVALID */
  narrow(narrowing: Narrowing): string;
  /**
   * From now on this access allows less; the wider lease is kept for `release` alone.
   * @throws AirlockError PARAMS_INVALID for a limit that is none, or a scope the lease does not have.
   */
  restrict(narrowing: Narrowing): void;
  /** Ends the lease; a narrowed one is only put away here, as it ends with the lease it was made from. Idempotent. @throws AirlockError UNAVAILABLE; the lease then ends by itself at `expiresAt`. */
  release(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Access with its typed handles: `access.gmail.listMessages({limit: 10})`. */
export type Access<S extends object> = AccessCore & Readonly<S>;

export interface GrantedLease {
  readonly lease: string;
  readonly expiresAt: string;
  readonly scopes?: readonly string[];
  /** Sent with every call: the lease is bound to it. */
  readonly intent?: string | undefined;
}

const ENDED: Readonly<Record<AccessEnd, 'LEASE_EXPIRED' | 'LEASE_REVOKED' | 'LEASE_SESSION'>> = {
  expired: 'LEASE_EXPIRED',
  reboot: 'LEASE_EXPIRED',
  revoked: 'LEASE_REVOKED',
  released: 'LEASE_REVOKED',
  renewed: 'LEASE_REVOKED',
  replaced: 'LEASE_SESSION',
};

/** @throws AirlockError PARAMS_INVALID for a scope that the lease does not have: nobody could call by it. */
const refuseWider = (held: readonly string[], wanted: readonly string[]): void => {
  const given = held.map(parseScope);
  const wider = wanted.find((scope) => !given.some((one) => scopeCovers(one, parseScope(scope))));
  if (wider === undefined) return;
  throw new AirlockError('PARAMS_INVALID', 'a lease can only be narrowed', {
    field: 'scopes',
    expected: `parts of ${held.join(' ')}`,
    found: wider,
    hint: 'name scopes within those of the lease, or ask for another lease',
  });
};

const allRead = (scopes: readonly string[]): boolean =>
  scopes.length > 0 && scopes.every((scope) => parseScope(scope).class === 'read');

class LeaseInUse implements AccessCore {
  readonly id: string;
  /** As it was given; `release` needs this one. */
  readonly #whole: string;
  readonly #session: Session;
  readonly #intent: string | undefined;
  readonly #isNarrowed: boolean;
  #lease: string;
  #scopes: readonly string[];
  #expiresAt: string;
  #ended: AccessEnd | null = null;

  constructor(session: Session, granted: GrantedLease) {
    const facts = leaseFacts(granted.lease);
    this.id = facts.id;
    this.#whole = granted.lease;
    this.#lease = granted.lease;
    this.#scopes = facts.scopes.length > 0 ? facts.scopes : (granted.scopes ?? []);
    this.#isNarrowed = facts.isNarrowed;
    this.#expiresAt = granted.expiresAt;
    this.#session = session;
    this.#intent = granted.intent;
    session.events.on('lease.ended', this.#onEnded);
    session.events.on('replaced', this.#onReplaced);
  }

  get lease(): string {
    return this.#lease;
  }

  get scopes(): readonly string[] {
    return this.#scopes;
  }

  get expiresAt(): string {
    return this.#expiresAt;
  }

  get ended(): AccessEnd | null {
    return this.#ended;
  }

  async call(service: string, operation: string, params: Params = {}, choice: CallChoice = {}): Promise<CallResult> {
    try {
      return await this.#callOnce(service, operation, params, choice);
    } catch (thrown) {
      const request = pendingOperation(thrown);
      if (request === null || choice.wait !== true) throw thrown;
      choice.onPending?.(thrown as AirlockError);
      return await awaitOutcome(this.#session, request, { timers: systemTimers, signal: choice.signal });
    }
  }

  async #callOnce(service: string, operation: string, params: Params, choice: CallChoice): Promise<CallResult> {
    if (this.#ended !== null) throw new AirlockError(ENDED[this.#ended], `the lease has ended: ${this.#ended}`);
    const intent = choice.intent ?? this.#intent;
    const context = intent === undefined ? {} : { context: { intent } };
    const request = { lease: this.#lease, service, operation: operationName(operation), params, ...context };
    try {
      const hints = { isRead: allRead(this.#scopes) };
      if (choice.exchange === undefined && choice.signal === undefined) return await call(this.#session, request, hints);
      return await callOnChannel(this.#session, request, choice, hints);
    } catch (thrown) {
      if (isAirlockError(thrown, 'LEASE_EXPIRED')) this.#end('expired');
      if (isAirlockError(thrown, 'LEASE_REVOKED')) this.#end('revoked');
      throw thrown;
    }
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- only the caller knows what the service is
  service<T extends object = OpenHandle>(name: string): T {
    return serviceHandle(async (service, operation, params) => (await this.call(service, operation, params)).result, name) as T;
  }

  narrow(narrowing: Narrowing): string {
    return narrow(this.#lease, narrowing, systemClock.wallMs());
  }

  restrict(narrowing: Narrowing): void {
    const scopes = narrowing.scopes === undefined ? this.#scopes : canonicalScopes(narrowing.scopes);
    refuseWider(this.#scopes, scopes);
    const nowMs = systemClock.wallMs();
    this.#lease = narrow(this.#lease, narrowing, nowMs);
    this.#scopes = scopes;
    const endMs = narrowing.ttlS === undefined ? Infinity : nowMs + narrowing.ttlS * 1000;
    if (endMs < Date.parse(this.#expiresAt)) this.#expiresAt = isoTime(endMs);
  }

  async release(): Promise<void> {
    if (this.#ended !== null) return;
    this.#end('released');
    if (!this.#isNarrowed) await accessRelease(this.#session, this.#whole);
  }

  /** Leaving a block must not fail for a gateway that is away: the lease ends by itself. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.release();
    } catch (thrown) {
      if (!isAirlockError(thrown, 'UNAVAILABLE')) throw thrown;
    }
  }

  readonly #onEnded = ({ lease, why }: LeaseEnded): void => {
    if (lease === this.id) this.#end(why);
  };

  readonly #onReplaced = (): void => this.#end('replaced');

  #end(why: AccessEnd): void {
    this.#ended ??= why;
    this.#session.events.off('lease.ended', this.#onEnded);
    this.#session.events.off('replaced', this.#onReplaced);
  }
}

/** A lease in use, with typed handles. Calls under a lease that is known to have ended are refused here. */
export const openAccess = <S extends object>(session: Session, granted: GrantedLease): Access<S> =>
  withHandles<AccessCore, S>(new LeaseInUse(session, granted));
