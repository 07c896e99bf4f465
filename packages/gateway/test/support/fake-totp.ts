/** airlock-totp as its bridge shows it, scripted: real leases under a real key over a real socket. */
import { always, serveSocket, type Connection, type MethodEntry, type SocketServer } from '@airlock/ipc';
import { generateHeadKey, parsePrivateKey, signHead } from '@airlock/audit';
import { deriveLeaseKey, encodeEarlier, mintLease, newLeaseId, type EarlierKey, type LeasePayload } from '@airlock/lease';
import {
  AirlockError,
  digestOf,
  FRAME,
  isoTime,
  packBlobs,
  validatorOf,
  type Action,
  type BridgeNotification,
  type DueRestore,
  type Json,
  type LeaseEnd,
  type RegisteredGrant,
  type RegisteredLease,
  type RequestStatus,
} from '@airlock/protocol';
import type { ManualClock } from './time.js';

export const BOOT_ID = '0123456789abcdef0123456789abcdef';

interface Opened {
  readonly request: string;
  readonly params: Readonly<Record<string, unknown>> & {
    readonly role: string;
    readonly session: string;
    readonly operator: string;
  };
  status: RequestStatus;
  lease: string | null;
  isTaken: boolean;
}

export type LeaseSpec = Partial<Pick<LeasePayload, 'intent' | 'scopes' | 'budget' | 'constraints'>> & {
  readonly session: string;
  readonly role?: string;
  readonly operator?: string;
  readonly ttlMs?: number;
  readonly unattended?: readonly string[];
};

const ROOT = Buffer.alloc(32, 7);

export class FakeTotp {
  readonly clock: ManualClock;
  keys = deriveLeaseKey(ROOT, BOOT_ID, 0);
  #generation = 0;
  #earlier: readonly EarlierKey[] = [];
  readonly leases = new Map<string, RegisteredLease>();
  readonly texts = new Map<string, string>();
  readonly grants = new Map<string, RegisteredGrant>();
  readonly requests: Opened[] = [];
  /** Tickets of approved actions. */
  readonly actions = new Map<string, { readonly action: Action; readonly operator: string; readonly trial: string | null }>();
  readonly committed: { service: string; version: number }[] = [];
  readonly removed: string[] = [];
  readonly signed: { size: number; digests: number }[] = [];
  readonly calls: string[] = [];
  locked = false;
  /** Methods that are refused with this. */
  readonly refuse = new Map<string, AirlockError>();
  /** Called with each hello, before it is answered. */
  onHello: (connection: Connection) => void = () => undefined;
  /** Members of its answer to hello beside the usual ones. */
  helloMore: object = {};
  /** Answers to methods that the usual ones do not do for. */
  readonly answers = new Map<string, (params: object) => unknown>();
  /** Methods that are never answered. */
  readonly mute = new Set<string>();
  #server: SocketServer<undefined> | null = null;
  #signer = parsePrivateKey(generateHeadKey('airlock-gateway').privateKey);
  head: string | null = null;
  /** Id of the restore that has taken effect. */
  restored: DueRestore | null = null;
  /** What the gateway said of restores. */
  readonly restores: object[] = [];
  /** Hands out what was approved, whatever verb is asked for. */
  isCareless = false;
  /** Whoever asks for the same again is given the request that waits. */
  merges = false;

  constructor(clock: ManualClock) {
    this.clock = clock;
  }

  async listen(path: string): Promise<void> {
    this.#server = await serveSocket<undefined>({
      path,
      name: 'bridge',
      open: () => undefined,
      table: this.#table(),
      limits: { idleTimeoutMs: Infinity },
    });
  }

  async close(): Promise<void> {
    await this.#server?.close();
    this.#server = null;
  }

  get connection(): Connection | undefined {
    return [...(this.#server?.connections ?? [])].at(-1);
  }

  tell({ method, params }: BridgeNotification): void {
    this.connection?.notify(method, params);
  }

  /** A live lease and its text, without telling. */
  mint(spec: LeaseSpec): { lease: RegisteredLease; text: string } {
    const issuedMs = this.clock.wallMs();
    const {
      session,
      role = 'default',
      operator = 'default',
      ttlMs = 3_600_000,
      intent = null,
      scopes = ['mail:read'],
      budget = null,
      constraints = {},
    } = spec;
    const id = newLeaseId();
    const ends = { issuedMs, expiresMs: issuedMs + ttlMs, bootDeadlineMs: this.clock.bootMs() + ttlMs };
    const lease: RegisteredLease = {
      id,
      operator,
      role,
      session,
      scopes,
      constraints: {},
      intent,
      budget,
      ...ends,
      ...(spec.unattended === undefined ? {} : { unattended: spec.unattended }),
    };
    const payload: LeasePayload = {
      v: 1,
      id,
      kid: this.keys.kid,
      role,
      session,
      intent,
      scopes,
      constraints,
      ...ends,
      bootId: BOOT_ID,
      budget,
    };
    const text = mintLease(this.keys.key, payload);
    this.leases.set(id, lease);
    this.texts.set(id, text);
    return { lease, text };
  }

  issue(spec: LeaseSpec, request = 'r-none'): { lease: RegisteredLease; text: string } {
    const minted = this.mint(spec);
    this.tell({ method: 'lease.issued', params: { lease: minted.lease, request } });
    return minted;
  }

  end(lease: string, why: LeaseEnd): void {
    this.leases.delete(lease);
    this.tell({ method: 'lease.ended', params: { lease, why } });
  }

  lock(locked: boolean): void {
    this.locked = locked;
    this.tell({ method: 'locked', params: { operator: 'default', locked } });
  }

  /** Decides the last request, as a human would. */
  decide(status: 'approved' | 'denied' | 'expired', reason?: string): void {
    const opened = this.requests.at(-1);
    if (opened === undefined) throw new Error('nothing was asked');
    opened.status = status;
    const { operator, session, role } = opened.params;
    if (status === 'approved' && opened.params['operation'] === undefined) {
      const { lease } = this.issue(
        {
          session,
          role,
          operator,
          scopes: opened.params['scopes'] as string[],
          budget: opened.params['budget'] ?? null,
        },
        opened.request,
      );
      opened.lease = lease.id;
    }
    this.tell({
      method: 'request.decided',
      params: { operator, request: opened.request, status, ...(reason === undefined ? {} : { reason }) },
    });
  }

  #method(name: string, handle: (params: never, connection: Connection) => unknown): MethodEntry<undefined> {
    return {
      params: validatorOf(`bridge.${name}`),
      permitted: always,
      handle: (params, { connection }) => {
        this.calls.push(name);
        const refusal = this.refuse.get(name);
        if (refusal !== undefined) throw refusal;
        if (this.mute.has(name)) return new Promise(() => undefined);
        return this.answers.get(name)?.(params) ?? handle(params as never, connection);
      },
    };
  }

  #hello(connection: Connection): unknown {
    this.onHello(connection);
    process.nextTick(() => this.#sendKeys(connection));
    const operators = [{ operator: 'default', enrolled: true, locked: this.locked }];
    return {
      bootId: BOOT_ID,
      kid: this.keys.kid,
      operators,
      leases: [...this.leases.values()],
      grants: [...this.grants.values()],
      head: this.head,
      ...this.helloMore,
      ...(this.restored === null ? {} : { restored: this.restored }),
    };
  }

  #sendKeys(connection: Connection): void {
    const { key, kid } = this.keys;
    const payload = [packBlobs(key, Buffer.from(kid)), encodeEarlier(this.#earlier)];
    connection.sendBinary(FRAME.LEASE_KEY, Buffer.concat(payload));
  }

  /** Another key from now on; the one of before verifies these leases. */
  rotate(leases: readonly string[]): void {
    this.#earlier = leases.length === 0 ? [] : [{ key: Buffer.from(this.keys.key), leases }];
    this.#generation += 1;
    this.keys = deriveLeaseKey(ROOT, BOOT_ID, this.#generation);
    for (const connection of this.#server?.connections ?? []) this.#sendKeys(connection);
  }

  /** A grant nobody claimed yet, told. */
  grant(spec: Partial<RegisteredGrant> & { readonly id: string }): RegisteredGrant {
    const issuedMs = this.clock.wallMs();
    const ends = { issuedMs, expiresMs: issuedMs + 3_600_000, bootDeadlineMs: this.clock.bootMs() + 3_600_000 };
    const granted = { operator: 'default', role: 'default', scopes: ['mail:read'], intent: null, budget: null, ...ends, ...spec };
    this.grants.set(granted.id, granted);
    this.tell({ method: 'grant.issued', params: { grant: granted } });
    return granted;
  }

  #claim({ grant, session }: { grant: string; session: string }): unknown {
    const granted = this.grants.get(grant);
    if (granted === undefined) throw new AirlockError('NOT_FOUND', 'no grant has this id');
    this.grants.delete(grant);
    this.tell({ method: 'grant.ended', params: { grant, why: 'claimed' } });
    const { lease, text } = this.issue({ session, role: granted.role, scopes: [...granted.scopes] }, '');
    const { intent } = granted;
    return { lease: text, expiresAt: isoTime(lease.expiresMs), ...(intent === null ? {} : { intent }) };
  }

  #open(params: Opened['params']): unknown {
    const waiting = this.requests.find(({ status }) => this.merges && status === 'pending');
    const request = waiting?.request ?? `r-${String(this.requests.length).padStart(10, 'x')}`;
    if (waiting === undefined) this.requests.push({ request, params, status: 'pending', lease: null, isTaken: false });
    return {
      request,
      match: '07',
      position: this.requests.length - 1,
      expiresAt: isoTime(this.clock.wallMs() + 300_000),
      merged: waiting !== undefined,
    };
  }

  #takeOperation(request: string): unknown {
    const opened = this.#find(request);
    if (opened.status !== 'approved' || opened.isTaken) throw new AirlockError('APPROVAL_EXPIRED', 'taken already');
    opened.isTaken = true;
    const { operation, service, params } = opened.params as unknown as Record<string, Json>;
    return {
      ticket: Buffer.alloc(32, 2).toString('base64url'),
      digest: digestOf({ operation: operation ?? null, params: params ?? null, service: service ?? null }),
    };
  }

  #find(request: string): Opened {
    const opened = this.requests.find((one) => one.request === request);
    if (opened === undefined) throw new AirlockError('NOT_FOUND', 'no request has this id');
    return opened;
  }

  #get(request: string): unknown {
    const { params, status } = this.#find(request);
    const { operator, role, session } = params;
    return { status, operator, role, session, match: '07', expiresAt: isoTime(this.clock.wallMs() + 300_000) };
  }

  #take(request: string): unknown {
    const opened = this.#find(request);
    if (opened.isTaken || opened.lease === null) throw new AirlockError('NOT_FOUND', 'the lease was handed out already');
    opened.isTaken = true;
    return { lease: this.texts.get(opened.lease), expiresAt: isoTime(this.leases.get(opened.lease)?.expiresMs ?? 0) };
  }

  #redeem({ ticket, verb }: { ticket: string; verb: string }): unknown {
    const found = this.actions.get(ticket);
    if (found === undefined || (found.action.verb !== verb && !this.isCareless))
      throw new AirlockError('NOT_AUTHENTICATED', 'no such ticket');
    this.actions.delete(ticket);
    return found;
  }

  /** Over the hash it is given; between two frames of digests there is none. */
  #sign({ size, digests, hash = '00'.repeat(32) }: { size: number; digests: readonly string[]; hash?: string }): unknown {
    this.signed.push({ size, digests: digests.length });
    this.head = signHead(this.#signer, 'airlock-gateway', { size, hash });
    return { head: this.head };
  }

  #table(): Record<string, MethodEntry<undefined>> {
    const rows: Record<string, (params: never, connection: Connection) => unknown> = {
      hello: (_: never, connection) => this.#hello(connection),
      heartbeat: () => ({}),
      'request.open': (params: Opened['params']) => this.#open(params),
      'request.get': ({ request }: { request: string }) => this.#get(request),
      'request.take': ({ request }: { request: string }) => this.#take(request),
      'operation.open': (params: Opened['params']) => this.#open(params),
      'operation.take': ({ request }: { request: string }) => this.#takeOperation(request),
      'ticket.create': () => ({ ticket: Buffer.alloc(32, 1).toString('base64url') }),
      'action.redeem': (params: { ticket: string; verb: string }) => this.#redeem(params),
      'record.rewrap': ({ wrapped }: { wrapped: string }) => ({ wrapped }),
      'records.rewrapped': () => ({}),
      'record.committed': (params: { service: string; version: number }) => void this.committed.push(params),
      'record.removed': ({ service }: { service: string }) => void this.removed.push(service),
      'grant.claim': (params: { grant: string; session: string }) => this.#claim(params),
      'restore.held': (params: object) => void this.restores.push(params),
      'restore.applied': (params: object) => void this.restores.push(params),
      'lease.release': ({ lease }: { lease: string }) => this.end(lease, 'released'),
      'head.sign': (params: { size: number; digests: readonly string[]; hash?: string }) => this.#sign(params),
    };
    return Object.fromEntries(Object.entries(rows).map(([name, handle]) => [name, this.#method(name, handle)]));
  }
}
