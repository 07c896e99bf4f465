/**
 * Sessions of agents: who asked for a lease, across connections and restarts of this process.
 *
 * SESSION-1  the resume secret is 32 random bytes; only its SHA-256 is kept, compared in constant time.
 * SESSION-2  a session belongs to the role (and operator) of the socket it was opened on; no other socket resumes it.
 * TAINT-2    a taint is written before the content that tainted leaves, and lasts as long as the session.
 * SESSION-3  a session is written before its secret is handed out, so a kill of this process does not end it.
 */
import { createHash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import { AirlockError, encodeBase64url, type Clock, type Taint } from '@airlock/protocol';
import { GATEWAY_LIMITS } from '../limits.js';
import { LedgerFile } from '../state/ledger-file.js';
import { isTaint, RoleTaints, type RoleTaintLine } from './taints.js';

/** Who a socket is: the role in its name, and the operator the role belongs to. */
export interface Identity {
  readonly role: string;
  readonly operator: string;
}

/** Anything a session's notifications can be sent to. */
export interface Listener {
  /** What it has not read yet. */
  readonly unsentBytes: number;
  notify(method: string, params: object): void;
}

export interface Session extends Identity {
  readonly id: string;
  readonly connections: Set<Listener>;
  /** Boot time of the last hello or end of a connection. */
  lastUsedMs: number;
  /** What it was given that others wrote, first; null: nothing. */
  taint: Taint | null;
  /** What the agent says it is; null where it says nothing but the name of our own programs. */
  client: string | null;
  /** It was given content that others wrote. */
  readonly tainted: boolean;
}

/** IDENTITY-1: for the eyes of the operator, as Unicode. */
export const callsItself = ({ client }: Session): { readonly client?: string } =>
  client === null || client.trim() === '' ? {} : { client: client.toWellFormed() };

interface Entry {
  readonly session: Session;
  readonly resumeHash: Buffer;
}

/** No letter that looks like another: the human reads it in the prompt. */
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';
const ID_CHARS = 8;
const SECRET_BYTES = 32;

const randomId = (): string => Array.from({ length: ID_CHARS }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join('');

const hashOf = (secret: string): Buffer => createHash('sha256').update(secret, 'utf8').digest();

interface Line extends Identity {
  readonly id: string;
  readonly hash: string;
  readonly taint?: Taint;
}

const isLine = (value: object): value is Line => {
  const { id, role, operator, hash, taint } = value as Partial<Record<keyof Line, unknown>>;
  return [id, role, operator, hash].every((text) => typeof text === 'string') && (taint === undefined || isTaint(taint));
};

const lineOf = ({ id, role, operator, taint }: Pick<Session, 'id' | 'role' | 'operator' | 'taint'>, hash: Buffer): Line => ({
  ...{ id, role, operator, hash: hash.toString('hex') },
  ...(taint === null ? {} : { taint }),
});

export class Sessions {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  /** Resume hash (hex) to session id. */
  readonly #byHash = new Map<string, string>();
  readonly #countOfRole = new Map<string, number>();
  readonly #taints: RoleTaints;
  readonly #file: LedgerFile;
  /** Whether a session has a live lease and must not be forgotten. */
  readonly #isNeeded: (session: string) => boolean;

  /** @throws AirlockError VAULT_UNREADABLE where the file is not ours. */
  constructor(path: string | null, bootId: string, clock: Clock, isNeeded: (session: string) => boolean) {
    this.#clock = clock;
    this.#isNeeded = isNeeded;
    this.#taints = new RoleTaints(clock);
    this.#file = new LedgerFile(
      path,
      bootId,
      (line) => this.#take(line),
      () => this.#lines(),
    );
  }

  get size(): number {
    return this.#entries.size;
  }

  get(id: string): Session | undefined {
    return this.#entries.get(id)?.session;
  }

  /** A new session and the secret that resumes it, which exists nowhere else. */
  create(identity: Identity): { session: Session; resume: string } {
    this.#makeRoom(identity.role);
    let id: string;
    do id = randomId();
    while (this.#entries.has(id));
    const resume = encodeBase64url(randomBytes(SECRET_BYTES));
    const hash = hashOf(resume);
    const taint = this.#taints.recent(identity, GATEWAY_LIMITS.inheritTaintMs);
    this.#file.append(lineOf({ id, ...identity, taint }, hash));
    return { session: this.#add(id, identity, hash, taint), resume };
  }

  /** @throws AirlockError NOT_AUTHENTICATED for a secret of no session of this role. */
  resume(identity: Identity, secret: string): Session {
    const hash = hashOf(secret);
    const entry = this.#entries.get(this.#byHash.get(hash.toString('hex')) ?? '');
    const session = entry?.session;
    if (entry === undefined || session === undefined || !timingSafeEqual(entry.resumeHash, hash)) throw wrongSecret();
    if (session.role !== identity.role || session.operator !== identity.operator) throw wrongSecret();
    return session;
  }

  /** TAINT-2, TAINT-4: of all sessions of the role. In the kernel's hands on return. @returns those whose first taint it is */
  taint({ role, operator }: Identity, taint: Taint): readonly string[] {
    this.#file.append(this.#taints.set({ role, operator }, taint));
    const news: string[] = [];
    for (const { session } of this.#entries.values())
      if (session.role === role && session.operator === operator && this.#setTaint(session.id, taint)) news.push(session.id);
    return news;
  }

  /** TAINT-3: what its role was given last, whenever that was. */
  inheritTaint(session: Session): void {
    const taint = this.#taints.recent(session, Infinity);
    if (taint !== null) this.#setTaint(session.id, taint);
  }

  /** All of an operator's roles, oldest first. */
  ofOperator(operator: string): readonly Session[] {
    return [...this.#entries.values()].map(({ session }) => session).filter((session) => session.operator === operator);
  }

  attach(session: Session, connection: Listener): void {
    session.connections.add(connection);
    session.lastUsedMs = this.#clock.bootMs();
  }

  detach(session: Session, connection: Listener): void {
    session.connections.delete(connection);
    session.lastUsedMs = this.#clock.bootMs();
  }

  close(): void {
    this.#file.close();
  }

  #take(value: object): void {
    if (this.#taints.take(value) || !isLine(value)) return;
    const { id, role, operator, hash, taint = null } = value;
    const known = this.get(id);
    if (known === undefined) this.#add(id, { role, operator }, Buffer.from(hash, 'hex'), taint);
    else known.taint ??= taint;
  }

  /** The first taint stays: it is the one that says why. */
  #setTaint(id: string, taint: Taint): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.session.taint !== null) return false;
    this.#file.append(lineOf({ ...entry.session, taint }, entry.resumeHash));
    entry.session.taint = taint;
    return true;
  }

  #add(id: string, { role, operator }: Identity, resumeHash: Buffer, taint: Taint | null): Session {
    const session: Session = {
      ...{ id, role, operator, connections: new Set(), lastUsedMs: this.#clock.bootMs(), client: null, taint },
      get tainted() {
        return this.taint !== null;
      },
    };
    this.#entries.set(id, { session, resumeHash });
    this.#byHash.set(resumeHash.toString('hex'), id);
    this.#countOfRole.set(role, (this.#countOfRole.get(role) ?? 0) + 1);
    return session;
  }

  #lines(): (Line | RoleTaintLine)[] {
    const sessions = [...this.#entries.values()].map(({ session, resumeHash }) => lineOf(session, resumeHash));
    return [...sessions, ...this.#taints.lines()];
  }

  /** An agent that opens sessions without end only loses its own oldest ones. Insertion order is age. */
  #makeRoom(role: string): void {
    const count = this.#countOfRole.get(role) ?? 0;
    if (count < GATEWAY_LIMITS.maxSessionsPerRole) return;
    for (const { session, resumeHash } of this.#entries.values()) {
      if (session.role !== role || session.connections.size > 0 || this.#isNeeded(session.id)) continue;
      this.#entries.delete(session.id);
      this.#byHash.delete(resumeHash.toString('hex'));
      this.#countOfRole.set(role, count - 1);
      return;
    }
    throw new AirlockError('RATE_LIMITED', `role ${role} has ${GATEWAY_LIMITS.maxSessionsPerRole} sessions in use`, {
      hint: 'resume a session instead of opening another',
    });
  }
}

const wrongSecret = (): AirlockError =>
  new AirlockError('NOT_AUTHENTICATED', 'no session of this role has this resume secret', {
    field: 'params.resume',
    hint: 'send hello without resume; the new session has to ask for access anew',
  });
