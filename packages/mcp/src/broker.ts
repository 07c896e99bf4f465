/**
 * The one connection behind a server process: opened when the gateway is there, its leases kept in memory.
 *
 * MCP-3 a lease text never leaves this process: no tool answers with one.
 * MCP-4 the server starts and answers without a gateway; tools then say UNAVAILABLE and why.
 */
import {
  connectAirlock,
  accessWait,
  decisionOf,
  type Airlock,
  type Env,
  type Narrowing,
  type SocketChoice,
} from '@airlock/client';
import { AirlockError, systemTimers } from '@airlock/protocol';
import type { AccessRequestResult, AccessWaitResult, TimerHandle, Timers } from '@airlock/protocol';
import { fullName, loadCatalogue, type Catalogue, type CatalogueEntry } from './catalogue.js';
import { describeEntries, type OperationTool } from './toolset.js';

export interface BrokerOptions {
  readonly env: Env;
  readonly socket?: string | undefined;
  readonly role?: string | undefined;
  /** Name of the program, for the operator's list of sessions. */
  readonly client: string;
  readonly timers?: Timers | undefined;
}

/** What was asked and is not decided, as far as this process knows. */
export interface PendingRequest extends AccessRequestResult {
  readonly scopes: readonly string[];
  readonly intent?: string | undefined;
}

/** A decided request, without the lease. */
export interface Granted {
  readonly status: 'approved';
  readonly request: string;
  readonly scopes: readonly string[];
  readonly expiresAt: string;
}

/** An access in use, without its lease. */
export interface HeldAccess {
  readonly id: string;
  readonly scopes: readonly string[];
  readonly expiresAt: string;
}

const noSuchLease = (held: readonly HeldAccess[], id: string | undefined): AirlockError =>
  new AirlockError('NOT_FOUND', id === undefined ? 'there is no live lease here' : 'no live lease here has this id', {
    field: 'lease',
    expected: held.map((one) => one.id).join(', ') || 'none: ask for access first',
    hint: held.length === 0 ? 'call airlock_request_access' : 'use an id of airlock_status',
  });

const severalLeases = (held: readonly HeldAccess[]): AirlockError =>
  new AirlockError('PARAMS_INVALID', 'several leases live', {
    field: 'lease',
    expected: held.map(({ id, scopes }) => `${id} (${scopes.join(' ')})`).join(', '),
    found: 'nothing',
    hint: 'set lease to the id of one of them',
  });

/** A name under which the gateway serves nothing: it refuses and records whoever calls it (docs/spec/wire.md). */
const CODE_METHOD = 'code';
/** Between two looks for a gateway that is away, so that its tools appear without being asked for. */
const RETRY_MS = 5000;

export class Broker {
  readonly #options: BrokerOptions;
  readonly timers: Timers;
  /** Called when the list of tools may be another one. */
  onChange: () => void = () => undefined;
  readonly #pending = new Map<string, PendingRequest>();
  readonly #granted = new Map<string, Granted>();
  readonly #names: readonly string[];
  readonly #tools = new Map<string, OperationTool>();
  #catalogue: Promise<Catalogue> | null = null;
  #opening: Promise<Airlock> | null = null;
  #airlock: Airlock | null = null;
  #retry: TimerHandle | null = null;
  #isClosed = false;

  /** @param names of tools that are taken. */
  constructor(options: BrokerOptions, names: readonly string[] = []) {
    this.#options = options;
    this.#names = names;
    this.timers = options.timers ?? systemTimers;
  }

  /** The connection, opened now if need be. @throws AirlockError UNAVAILABLE with the remedy. */
  open(): Promise<Airlock> {
    if (this.#airlock !== null) return Promise.resolve(this.#airlock);
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  get env(): Env {
    return this.#options.env;
  }

  /** How the socket of the role is found. */
  get choice(): SocketChoice {
    const { env, socket, role } = this.#options;
    return { env, socket, role };
  }

  /** Name and path of the program, as the gateway shows it. */
  get client(): string {
    return this.#options.client;
  }

  /** What the role may ever get, read once and again after a change. @throws AirlockError as the gateway refuses. */
  async catalogue(): Promise<Catalogue> {
    const airlock = await this.open();
    this.#catalogue ??= loadCatalogue(airlock, this.#names);
    try {
      return await this.#catalogue;
    } catch (thrown) {
      this.forgetCatalogue();
      throw thrown;
    }
  }

  /** Kind of a service, as far as the catalogue has it. @throws AirlockError as the gateway refuses. */
  async kindOf(service: string): Promise<string | undefined> {
    return (await this.catalogue()).services.find((one) => one.service === service)?.kind;
  }

  /** The tool of an entry, with its schemas: asked for once. @throws AirlockError as the gateway refuses. */
  async describe(entry: CatalogueEntry): Promise<OperationTool> {
    const key = [entry.name, ...entry.offers.map(fullName)].join(' ');
    const known = this.#tools.get(key);
    if (known !== undefined) return known;
    const [tool] = await describeEntries(await this.open(), [entry]);
    if (tool === undefined) throw new AirlockError('INTERNAL', 'the gateway described nothing');
    this.#tools.set(key, tool);
    return tool;
  }

  /** The next look at the catalogue asks the gateway. */
  forgetCatalogue(): void {
    this.#catalogue = null;
    this.#tools.clear();
  }

  get pending(): readonly PendingRequest[] {
    return [...this.#pending.values()];
  }

  /** True where a live lease names the service. */
  hasAccess(service: string): boolean {
    return (this.#airlock?.accesses ?? []).some(({ scopes }) => scopes.some((scope) => scope.split(':')[0] === service));
  }

  remember(request: PendingRequest): void {
    this.#pending.set(request.request, request);
  }

  /**
   * Looks whether a request is decided, for at most `timeoutS` seconds, and keeps the lease.
   * @returns null while undecided. @throws AirlockError APPROVAL_DENIED, APPROVAL_EXPIRED, NOT_FOUND
   */
  async settle(request: string, timeoutS: number): Promise<Granted | null> {
    const airlock = await this.open();
    const answer = await accessWait(airlock.session, request, timeoutS);
    if (answer.status !== 'pending') return this.#decided(airlock, request, answer);
    return null;
  }

  /** Takes up whatever was approved meanwhile without anybody waiting for it. */
  async collect(): Promise<void> {
    const settle = ({ request }: PendingRequest): Promise<unknown> => this.settle(request, 0).catch(() => null);
    await Promise.all(this.pending.map(settle));
  }

  /** Has the gateway record that a code was tried here; the code itself stays where it is. Never throws. */
  async recordCode(): Promise<void> {
    try {
      await (await this.open()).session.call(CODE_METHOD, {});
    } catch {
      // The refusal is the purpose; without a gateway there is no audit log to write to.
    }
  }

  /** Releases every lease and ends the connection. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#retry?.cancel();
    await this.#airlock?.close();
  }

  /** Takes up a grant, the only one where none is named. @throws AirlockError NOT_FOUND, PARAMS_INVALID */
  async claim(grant: string | undefined): Promise<Pick<Granted, 'scopes' | 'expiresAt'>> {
    const { scopes, expiresAt } = await (await this.open()).claim(grant);
    this.onChange();
    return { scopes, expiresAt };
  }

  /** Accesses that live, newest first: never their texts. */
  get held(): readonly HeldAccess[] {
    return (this.#airlock?.accesses ?? []).map(({ id, scopes, expiresAt }) => ({ id, scopes, expiresAt }));
  }

  /**
   * From now on the access allows less; the wider lease is used no more.
   * @param id of the lease; may be left out where there is one only. @throws AirlockError NOT_FOUND, PARAMS_INVALID
   */
  async narrow(id: string | undefined, narrowing: Narrowing): Promise<HeldAccess> {
    const { accesses } = await this.open();
    const found = id === undefined ? accesses : accesses.filter((access) => access.id === id);
    const [access, ...more] = found;
    if (access === undefined) throw noSuchLease(this.held, id);
    if (more.length > 0) throw severalLeases(this.held);
    access.restrict(narrowing);
    this.onChange();
    const { scopes, expiresAt } = access;
    return { id: access.id, scopes, expiresAt };
  }

  async releaseAll(): Promise<number> {
    const accesses = this.#airlock?.accesses ?? [];
    await Promise.all(accesses.map((access) => access.release()));
    if (accesses.length > 0) this.onChange();
    return accesses.length;
  }

  #decided(airlock: Airlock, request: string, answer: AccessWaitResult): Granted | null {
    const asked = this.#pending.get(request);
    this.#pending.delete(request);
    const before = this.#granted.get(request);
    if (before !== undefined && answer.lease === undefined) return before;
    const decision = decisionOf(request, answer);
    if (decision === null) return null;
    const access = airlock.adopt({ ...decision, scopes: asked?.scopes ?? [], intent: asked?.intent });
    const granted: Granted = { status: 'approved', request, scopes: access.scopes, expiresAt: access.expiresAt };
    this.#granted.set(request, granted);
    this.onChange();
    return granted;
  }

  async #connect(): Promise<Airlock> {
    const { env, socket, role, client, timers } = this.#options;
    try {
      const airlock = await connectAirlock({ env, socket, role, client, timers });
      this.#watch(airlock);
      this.#airlock = airlock;
      return airlock;
    } catch (thrown) {
      this.#retryLater();
      throw thrown;
    }
  }

  #watch({ events }: Airlock): void {
    const changed = (): void => this.onChange();
    const renewed = (): void => {
      this.forgetCatalogue();
      this.onChange();
    };
    events.on('lease.ended', changed);
    events.on('replaced', renewed);
    events.on('reconnected', renewed);
    events.on('services.changed', renewed);
    events.on('lost', () => this.#retryLater());
    changed();
  }

  #retryLater(): void {
    if (this.#isClosed) return;
    this.#retry?.cancel();
    this.#retry = this.timers.after(RETRY_MS, () => {
      this.open()
        .then((airlock) => airlock.status())
        .catch(() => this.#retryLater());
    });
  }
}
