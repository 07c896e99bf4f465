/** A scripted gateway on a real Unix socket: sessions, requests decided by the test, and answers it may replace. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveSocket, type Connection, type MethodTable, type SocketServer } from '@airlock/ipc';
import { LEASE_KEY_BYTES, asLeaseKey, mintLease, newLeaseId, parseLease } from '@airlock/lease';
import { AirlockError, canonicalScopes, validatorOf } from '@airlock/protocol';
import type {
  AccessRequestParams,
  AccessWaitResult,
  AgentGrant,
  AgentNotification,
  CallParams,
  HelloParams,
  Json,
  ServiceSummary,
  ToolDescription,
} from '@airlock/protocol';
import { leaseFacts } from '../src/index.js';
import { GMAIL, describeTool } from './fake-services.js';

export { GMAIL, NOTES, WORK } from './fake-services.js';

export const EXPIRES_AT = '2030-01-01T00:00:00.000Z';
/** `approve`: as soon as somebody waits. `ask`: when the test says so. */
export type Mode = 'approve' | 'deny' | 'expire' | 'ask';
type Handler = (params: never) => unknown;

interface Peer {
  session: string | null;
}

interface FakeRequest {
  readonly params: AccessRequestParams;
  readonly session: string;
  answer: AccessWaitResult | null;
  readonly waiting: Set<() => void>;
}

export interface FakeOptions {
  readonly role?: string;
  readonly mode?: Mode;
  readonly services?: readonly ServiceSummary[];
  /** Directory of the sockets; a new temporary one where left out. */
  readonly dir?: string;
}

const KEY = asLeaseKey(Buffer.alloc(LEASE_KEY_BYTES, 7));
const ISSUED_MS = Date.parse('2026-01-01T00:00:00.000Z');

/** A lease text of the right form; `number` makes its id. */
export const fakeLease = (number: number, scopes: readonly string[]): string =>
  mintLease(KEY, {
    v: 1,
    id: newLeaseId((length) => Buffer.alloc(length, number)),
    kid: 'fake',
    role: 'default',
    session: 's-1',
    intent: null,
    scopes: canonicalScopes(scopes),
    constraints: {},
    issuedMs: ISSUED_MS,
    expiresMs: Date.parse(EXPIRES_AT),
    bootDeadlineMs: 86_400_000,
    bootId: '0'.repeat(32),
    budget: null,
  });

export class FakeGateway {
  readonly dir: string;
  readonly role: string;
  readonly log: { readonly method: string; readonly params: unknown }[] = [];
  mode: Mode;
  services: readonly ServiceSummary[];
  /** Answers of the test's own; what they throw is the refusal. */
  readonly answers = new Map<string, Handler>();
  readonly #requests = new Map<string, FakeRequest>();
  readonly #sessions = new Map<string, string>();
  readonly #leases = new Map<string, readonly string[]>();
  readonly released: string[] = [];
  /** What can be claimed. */
  grants: readonly AgentGrant[] = [];
  #server: SocketServer<Peer> | null = null;
  #count = 0;

  constructor({ role = 'default', mode = 'approve', services = [GMAIL], dir }: FakeOptions = {}) {
    this.dir = dir ?? mkdtempSync(join(tmpdir(), 'airlock-fake-'));
    this.role = role;
    this.mode = mode;
    this.services = services;
  }

  get path(): string {
    return join(this.dir, 'agent', `${this.role}.sock`);
  }

  /** Environment with which the library and the command find this gateway, and a place for their files. */
  get env(): Record<string, string> {
    return { AIRLOCK_RUNTIME_DIR: this.dir, XDG_RUNTIME_DIR: join(this.dir, 'xdg'), PATH: process.env['PATH'] ?? '' };
  }

  get connections(): number {
    return this.#server?.connections.size ?? 0;
  }

  async start(): Promise<this> {
    mkdirSync(join(this.dir, 'agent'), { recursive: true });
    rmSync(this.path, { force: true });
    this.#server = await serveSocket<Peer>({
      name: `agent/${this.role}`,
      path: this.path,
      table: this.#table(),
      open: () => ({ session: null }),
    });
    return this;
  }

  /** Ends every connection without an answer to what is in flight; sessions and leases stay. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    await server?.close(new AirlockError('UNAVAILABLE', 'stopping'));
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  forgetSessions(): void {
    this.#sessions.clear();
  }

  calls(method: string): unknown[] {
    return this.log.filter((entry) => entry.method === method).map(({ params }) => params);
  }

  notify(notification: AgentNotification): void {
    for (const connection of this.#server?.connections ?? []) connection.notify(notification.method, notification.params);
  }

  decide(id: string, status: 'approved' | 'denied' | 'expired'): void {
    const request = this.#requests.get(id);
    if (request === undefined) throw new Error(`no request ${id}`);
    request.answer = status === 'approved' ? this.#grant(request.params.scopes ?? ['gmail:read']) : { status, reason: 'not now' };
    for (const wake of request.waiting) wake();
  }

  lease(scopes: readonly string[]): string {
    return this.#grant(scopes).lease ?? '';
  }

  #grant(scopes: readonly string[]): AccessWaitResult {
    this.#count += 1;
    const lease = fakeLease(this.#count, scopes);
    this.#leases.set(lease, scopes);
    return { status: 'approved', lease, expiresAt: EXPIRES_AT };
  }

  #table(): MethodTable<Peer> {
    const entry = (method: string, handle: (params: never, peer: Peer, connection: Connection<Peer>) => unknown) => ({
      params: validatorOf(`agent.${method}`),
      permitted: (peer: Peer) =>
        peer.session === null && method !== 'hello' ? new AirlockError('NOT_AUTHENTICATED', 'hello comes first') : null,
      handle: (params: object, { state, connection }: { state: Peer; connection: Connection<Peer> }) => {
        this.log.push({ method, params });
        const own = this.answers.get(method);
        return own === undefined ? handle(params as never, state, connection) : own(params as never);
      },
    });
    return {
      hello: entry('hello', (params: HelloParams, peer) => this.#hello(params, peer)),
      'services.list': entry('services.list', () => this.services),
      'tools.describe': entry('tools.describe', ({ names }: { names: string[] }) =>
        names.flatMap((name) => describeTool(this.services, name) ?? []),
      ),
      'tools.search': entry('tools.search', ({ query }: { query: string }) =>
        this.#all().filter(({ service, name, summary }) =>
          `${service} ${name} ${summary}`.toLowerCase().includes(query.toLowerCase()),
        ),
      ),
      'access.request': entry('access.request', (params: AccessRequestParams, peer) => this.#request(params, peer)),
      'access.wait': entry('access.wait', ({ request }: { request: string }) => this.#wait(request)),
      'access.claim': entry('access.claim', ({ grant }: { grant: string }) => this.#claim(grant)),
      'access.release': entry('access.release', ({ lease }: { lease: string }) => this.#release(lease)),
      'access.status': entry('access.status', (_params, peer) => this.#status(peer)),
      code: {
        params: (params) => {
          this.log.push({ method: 'code', params });
          return new AirlockError('CODE_ON_AGENT_SOCKET', 'refused');
        },
        permitted: () => null,
        handle: () => ({}),
      },
      call: entry('call', (params: CallParams) => this.#call(params)),
      'call.reply': entry('call.reply', () => ({})),
      'call.cancel': entry('call.cancel', () => ({})),
      'call.result': entry('call.result', () => ({ result: {}, meta: {} })),
    };
  }

  /** A session as another program of this login would have begun it. */
  greet(): { readonly session: string; readonly resume: string } {
    return this.#hello({ client: 'another', protocol: 1 }, { session: null }) as { session: string; resume: string };
  }

  #all(): ToolDescription[] {
    return this.services.flatMap(({ service, operations }) =>
      operations.flatMap(({ name }) => describeTool(this.services, `${service}.${name}`) ?? []),
    );
  }

  #hello({ resume }: HelloParams, peer: Peer): object {
    const known = resume === undefined ? undefined : this.#sessions.get(resume);
    if (resume !== undefined && known === undefined) throw new AirlockError('NOT_FOUND', 'no such session');
    this.#count += 1;
    const session = known ?? `session-${this.#count}`;
    const secret = resume ?? `resume-secret-${this.#count}`;
    this.#sessions.set(secret, session);
    peer.session = session;
    return { server: 'fake', protocol: 1, role: this.role, session, resume: secret, limits: {} };
  }

  #request(params: AccessRequestParams, peer: Peer): object {
    this.#count += 1;
    const request = `r-${String(this.#count).padStart(4, '0')}`;
    this.#requests.set(request, { params, session: peer.session ?? '', answer: null, waiting: new Set() });
    if (this.mode !== 'ask')
      this.decide(request, this.mode === 'approve' ? 'approved' : this.mode === 'deny' ? 'denied' : 'expired');
    return { request, status: 'pending', position: 1, match: '07', expiresAt: EXPIRES_AT, pollIntervalS: 2 };
  }

  async #wait(id: string): Promise<AccessWaitResult> {
    const request = this.#requests.get(id);
    if (request === undefined) throw new AirlockError('NOT_FOUND', 'no such request');
    if (request.answer === null) await new Promise<void>((resolve) => request.waiting.add(resolve));
    const answer = request.answer ?? { status: 'pending' as const };
    if (answer.lease !== undefined) request.answer = { status: 'approved' };
    return answer;
  }

  #release(lease: string): object {
    if (!this.#leases.delete(lease)) throw new AirlockError('LEASE_INVALID', 'no lease of this session');
    this.released.push(lease);
    return {};
  }

  #status(peer: Peer): object {
    const leases = [...this.#leases.keys()].map((text) => {
      const { id, scopes } = parseLease(text).payload;
      return { id, scopes, expiresAt: EXPIRES_AT };
    });
    return {
      role: this.role,
      session: peer.session,
      locked: false,
      tainted: false,
      taint: null,
      blocked: null,
      leases,
      pending: [],
      grants: this.grants,
    };
  }

  #claim(id: string): object {
    const grant = this.grants.find((one) => one.id === id);
    if (grant === undefined) throw new AirlockError('NOT_FOUND', 'no such grant');
    this.grants = this.grants.filter((one) => one !== grant);
    const { lease } = this.#grant(grant.scopes);
    return { lease, expiresAt: grant.expiresAt, ...(grant.intent === undefined ? {} : { intent: grant.intent }) };
  }

  /** Of the lease itself, or of the one it was narrowed from. */
  #scopesOf(text: string): readonly string[] | undefined {
    const id = leaseFacts(text).id;
    const known = [...this.#leases].find(([lease]) => leaseFacts(lease).id === id);
    return id === '' ? undefined : known?.[1];
  }

  #call({ lease, service, operation, params }: CallParams): object {
    const scopes = this.#scopesOf(lease);
    if (scopes === undefined) throw new AirlockError('LEASE_INVALID', 'no live lease of this session');
    if (!scopes.some((scope) => scope.split(':')[0] === service))
      throw new AirlockError('LEASE_SCOPE', `the lease does not allow ${service}`);
    const result: Json = operation === 'count_unread' ? { folder: 'INBOX', unread: 3, total: 500 } : { operation, params };
    return { result, meta: { audit: 12, masked: 0, truncated: false, risk: 0 } };
  }
}

/** A running fake. */
export const fakeGateway = (options?: FakeOptions): Promise<FakeGateway> => new FakeGateway(options).start();
