/**
 * Sessions of agents: who asked for a lease, across connections and restarts of this process.
 *
 * SESSION-1  the resume secret is 32 random bytes; only its SHA-256 is kept, compared in constant time.
 * SESSION-2  a session belongs to the role (and operator) of the socket it was opened on; no other socket resumes it.
 * SESSION-3  a session is written before its secret is handed out, so a kill of this process does not end it.
 */
import { createHash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import { AirlockError, encodeBase64url, type Clock } from '@airlock/protocol';
import { GATEWAY_LIMITS } from '../limits.js';
import { LedgerFile } from '../state/ledger-file.js';

/** Who a socket is: the role in its name, and the operator the role belongs to. */
export interface Identity {
  readonly role: string;
  readonly operator: string;
}

/** Anything a session's notifications can be sent to. */
export interface Listener {
  notify(method: string, params: object): void;
}

export interface Session extends Identity {
  readonly id: string;
  readonly connections: Set<Listener>;
  /** Boot time of the last hello or end of a connection. */
  lastUsedMs: number;
  /** It was given content that others wrote. */
  tainted: boolean;
}

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
}

const isLine = (value: unknown): value is Line => {
  const { id, role, operator, hash } = (value ?? {}) as Partial<Record<keyof Line, unknown>>;
  return [id, role, operator, hash].every((text) => typeof text === 'string');
};

export class Sessions {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  /** Resume hash (hex) to session id. */
  readonly #byHash = new Map<string, string>();
  readonly #countOfRole = new Map<string, number>();
  readonly #file: LedgerFile;
  /** Whether a session has a live lease and must not be forgotten. */
  readonly #isNeeded: (session: string) => boolean;

  /** @throws AirlockError VAULT_UNREADABLE where the file is not ours. */
  constructor(path: string | null, bootId: string, clock: Clock, isNeeded: (session: string) => boolean) {
    this.#clock = clock;
    this.#isNeeded = isNeeded;
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
    let id = randomId();
    while (this.#entries.has(id)) id = randomId();
    const resume = encodeBase64url(randomBytes(SECRET_BYTES));
    const hash = hashOf(resume);
    const { role, operator } = identity;
    this.#file.append({ id, role, operator, hash: hash.toString('hex') } satisfies Line);
    return { session: this.#add(id, identity, hash), resume };
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

  #take(value: unknown): void {
    if (!isLine(value)) return;
    this.#add(value.id, { role: value.role, operator: value.operator }, Buffer.from(value.hash, 'hex'));
  }

  #add(id: string, { role, operator }: Identity, resumeHash: Buffer): Session {
    const session: Session = { id, role, operator, connections: new Set(), lastUsedMs: this.#clock.bootMs(), tainted: false };
    this.#entries.set(id, { session, resumeHash });
    this.#byHash.set(resumeHash.toString('hex'), id);
    this.#countOfRole.set(role, (this.#countOfRole.get(role) ?? 0) + 1);
    return session;
  }

  #lines(): Line[] {
    return [...this.#entries.values()].map(({ session: { id, role, operator }, resumeHash }) => ({
      id,
      role,
      operator,
      hash: resumeHash.toString('hex'),
    }));
  }

  /** An agent that opens sessions without end only loses its own oldest ones. Insertion order is age. */
  #makeRoom(role: string): void {
    if ((this.#countOfRole.get(role) ?? 0) < GATEWAY_LIMITS.maxSessionsPerRole) return;
    for (const { session } of this.#entries.values()) {
      if (session.role !== role || session.connections.size > 0 || this.#isNeeded(session.id)) continue;
      this.#forget(session);
      return;
    }
    throw new AirlockError('RATE_LIMITED', `role ${role} has ${GATEWAY_LIMITS.maxSessionsPerRole} sessions in use`, {
      hint: 'resume a session instead of opening another',
    });
  }

  #forget(session: Session): void {
    const entry = this.#entries.get(session.id);
    if (entry !== undefined) this.#byHash.delete(entry.resumeHash.toString('hex'));
    this.#entries.delete(session.id);
    this.#countOfRole.set(session.role, (this.#countOfRole.get(session.role) ?? 1) - 1);
  }
}

const wrongSecret = (): AirlockError =>
  new AirlockError('NOT_AUTHENTICATED', 'no session of this role has this resume secret', {
    field: 'params.resume',
    hint: 'send hello without resume; the new session has to ask for access anew',
  });
