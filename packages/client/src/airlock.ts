/** The library an agent uses: asks for access, then calls typed operations; gives everything back when closed. */
import { AirlockError, parseScope, systemTimers } from '@airlock/protocol';
import type { AccessRequestParams, AccessRequestResult, AccessStatus, CallResult, Constraints } from '@airlock/protocol';
import type { Params, ServiceSummary, Timers, ToolDescription } from '@airlock/protocol';
import { openAccess, type Access, type CallChoice, type GrantedLease, type OpenHandle } from './access.js';
import type { Backoff } from './backoff.js';
import { accessRequest, accessStatus, servicesList, toolsDescribe, toolsSearch } from './calls/index.js';
import { awaitDecision } from './decision.js';
import { isAirlockError } from './errors.js';
import { awaitOutcome } from './outcome.js';
import type { SessionEmitter } from './events.js';
import { claimGrant } from './grants.js';
import { serviceHandle, withHandles } from './handles.js';
import type { CalendarServices } from './calendar.js';
import type { MailServices } from './mail.js';
import { Session } from './session.js';
import { findAgentSocket, type SocketChoice } from './socket.js';

export interface ConnectOptions extends SocketChoice {
  /** Takes up a session: its resume secret. */
  readonly resume?: string | undefined;
  /** Name of the program, for the operator's list of sessions. */
  readonly client?: string | undefined;
  readonly timers?: Timers | undefined;
  readonly backoff?: Backoff | undefined;
}

export interface AccessOptions {
  /** `service:class[:operation]`; without a class: read. Absent only with `renew`: then those of that lease. */
  readonly scopes?: readonly string[] | undefined;
  /** Shown to the human as your words; at most 140 characters, one line. */
  readonly reason: string;
  /** Binds the lease to this task; sent along with every call. */
  readonly intent?: string | undefined;
  readonly ttlS?: number | undefined;
  readonly constraints?: Constraints | undefined;
  /** Id of the lease this one is to follow, which ends when this one is delivered. */
  readonly renew?: string | undefined;
  /** Ends the waiting, not the request. */
  readonly signal?: AbortSignal | undefined;
  /** Called once asked: show `match` to the human, who compares it. */
  readonly onPending?: ((request: AccessRequestResult) => void) | undefined;
}

export interface AirlockCore {
  readonly session: Session;
  readonly role: string;
  readonly events: SessionEmitter;
  /** Accesses that live, newest first. */
  readonly accesses: readonly Access<object>[];
  /** One call under whichever access covers it. @throws AirlockError LEASE_INVALID where none does. */
  call(service: string, operation: string, params?: Params, options?: CallChoice): Promise<CallResult>;
  /** The outcome of an operation that needed an approval of its own, waited for. @throws AirlockError APPROVAL_DENIED, APPROVAL_EXPIRED, OUTCOME_UNKNOWN */
  result(request: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<CallResult>;
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- only the caller knows what the service is
  service<T extends object = OpenHandle>(name: string): T;
  /** What this role may ever get. */
  services(): Promise<readonly ServiceSummary[]>;
  searchTools(query: string): Promise<readonly ToolDescription[]>;
  describeTools(names: readonly string[]): Promise<readonly ToolDescription[]>;
  status(): Promise<AccessStatus>;
  /** Releases every access, then ends the connection. Idempotent. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What `S` types: the names of services and their handles. */
export interface AirlockAccess<S extends object> {
  /**
   * Asks the human and waits.
   * @throws AirlockError APPROVAL_DENIED, APPROVAL_EXPIRED, or at once what no approval could allow; the signal's reason.
   */
  requestAccess(options: AccessOptions): Promise<Access<S>>;
  /** Asks, runs `work`, releases whatever `work` does. */
  withAccess<R>(options: AccessOptions, work: (access: Access<S>) => Promise<R>): Promise<R>;
  /**
   * Takes up what the operator granted unasked; without an id the only grant there is (`status().grants`).
   * @throws AirlockError NOT_FOUND where there is none, PARAMS_INVALID where there are several.
   */
  claim(grant?: string): Promise<Access<S>>;
  /** Uses a lease that came from elsewhere: a parent, a file. */
  adopt(lease: GrantedLease): Access<S>;
}

/** Services that are typed without a type parameter. */
export type KnownServices = MailServices & CalendarServices;

/** After `requestAccess`, the services stand on it: `airlock.gmail.listMessages({limit: 10})`. */
export type Airlock<S extends object = KnownServices> = AirlockCore & AirlockAccess<S> & Readonly<S>;

const paramsOf = (options: AccessOptions): AccessRequestParams => {
  const { scopes, reason, intent, ttlS, constraints, renew } = options;
  return {
    ...(scopes === undefined ? {} : { scopes }),
    reason,
    ...(intent === undefined ? {} : { intent }),
    ...(ttlS === undefined ? {} : { ttlS }),
    ...(constraints === undefined ? {} : { constraints }),
    ...(renew === undefined ? {} : { renew }),
  };
};

const covers = (access: Access<object>, service: string): boolean =>
  access.scopes.length === 0 || access.scopes.some((scope) => parseScope(scope).service === service);

const noAccess = (service: string): AirlockError =>
  new AirlockError('LEASE_INVALID', `there is no live lease for ${service}`, {
    hint: `ask first: await airlock.requestAccess({scopes: ['${service}:read'], reason: '…'})`,
  });

class Client<S extends object> implements AirlockCore, AirlockAccess<S> {
  readonly session: Session;
  readonly #timers: Timers;
  #accesses: Access<S>[] = [];

  constructor(session: Session, timers: Timers) {
    this.session = session;
    this.#timers = timers;
  }

  get role(): string {
    return this.session.role;
  }

  get events(): SessionEmitter {
    return this.session.events;
  }

  get accesses(): readonly Access<S>[] {
    this.#accesses = this.#accesses.filter(({ ended }) => ended === null);
    return this.#accesses;
  }

  async requestAccess(options: AccessOptions): Promise<Access<S>> {
    options.signal?.throwIfAborted();
    const request = await accessRequest(this.session, paramsOf(options));
    options.onPending?.(request);
    const decision = await awaitDecision(this.session, request, { timers: this.#timers, signal: options.signal });
    return this.adopt({ ...decision, scopes: options.scopes ?? [], intent: options.intent });
  }

  async withAccess<R>(options: AccessOptions, work: (access: Access<S>) => Promise<R>): Promise<R> {
    const access = await this.requestAccess(options);
    try {
      return await work(access);
    } finally {
      await access[Symbol.asyncDispose]();
    }
  }

  async claim(grant?: string): Promise<Access<S>> {
    return this.adopt(await claimGrant(this.session, grant));
  }

  adopt(lease: GrantedLease): Access<S> {
    const access = openAccess<S>(this.session, lease);
    this.#accesses = [access, ...this.accesses];
    return access;
  }

  /** Newest first; a lease that lacks the scope did nothing, so the next one may be tried. */
  async call(service: string, operation: string, params: Params = {}, choice: CallChoice = {}): Promise<CallResult> {
    let refusal: unknown = noAccess(service);
    for (const access of this.accesses.filter((candidate) => covers(candidate, service))) {
      try {
        return await access.call(service, operation, params, choice);
      } catch (thrown) {
        if (!isAirlockError(thrown, 'LEASE_SCOPE')) throw thrown;
        refusal = thrown;
      }
    }
    throw refusal;
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- only the caller knows what the service is
  service<T extends object = OpenHandle>(name: string): T {
    return serviceHandle(async (service, operation, params) => (await this.call(service, operation, params)).result, name) as T;
  }

  result(request: string, { signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<CallResult> {
    return awaitOutcome(this.session, request, { timers: this.#timers, signal });
  }

  services(): Promise<readonly ServiceSummary[]> {
    return servicesList(this.session);
  }

  searchTools(query: string): Promise<readonly ToolDescription[]> {
    return toolsSearch(this.session, query);
  }

  describeTools(names: readonly string[]): Promise<readonly ToolDescription[]> {
    return toolsDescribe(this.session, names);
  }

  status(): Promise<AccessStatus> {
    return accessStatus(this.session);
  }

  async close(): Promise<void> {
    const accesses = this.session.isClosed ? [] : this.accesses;
    try {
      await Promise.all(accesses.map((access) => access[Symbol.asyncDispose]()));
    } finally {
      this.session.close();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Connects to the agent socket of our role.
 * @typeParam S names of services and the types of their handles; mail and calendar where left out.
 * @throws AirlockError UNAVAILABLE with the remedy: no socket, several, no permission.
 */
export const connectAirlock = async <S extends object = KnownServices>(options: ConnectOptions = {}): Promise<Airlock<S>> => {
  const { client, resume, backoff, timers = systemTimers } = options;
  const session = await Session.open({ socket: findAgentSocket(options), client, resume, timers, backoff });
  return withHandles<Client<S>, S>(new Client<S>(session, timers));
};
