/**
 * The sealed vault: vault/OPERATOR/SERVICE.json, ciphertext only.
 *
 * STORE-1  a file that is a link, foreign or malformed is refused; the others go on.
 * STORE-2  a new record is durable before airlock-totp is told, and the old one is kept until it has acknowledged.
 * STORE-3  a record that was durable but not acknowledged is offered again after a restart; what airlock-totp refuses is dropped.
 */
import { join } from 'node:path';
import { AirlockError, asAirlockError, isName, type ErrorCode } from '@airlock/protocol';
import { GATEWAY_LIMITS } from '../limits.js';
import { ensureDirectory, listDirectory, readListedFile, removeDurable, renameDurable, writeDurable } from '../state/files.js';
import { parseEntry, versionOf, type ServiceEntry } from './entry.js';

const CURRENT = '.json';
const NEXT = '.next';
const suffixOf = (file: string): string | undefined => [CURRENT, NEXT].find((one) => file.endsWith(one));
/** Answers that will be the same tomorrow; any other keeps the record for the next try. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set(['PARAMS_INVALID', 'VAULT_UNREADABLE']);

/** A file that was refused, for the operator. */
export interface StoreProblem {
  readonly file: string;
  readonly problem: string;
}

/** Tells airlock-totp of a version; resolves once it has it durably. */
export type Commit = (entry: ServiceEntry, version: number) => Promise<void>;

export class ServiceStore {
  readonly operator: string;
  readonly #dir: string;
  readonly #entries = new Map<string, ServiceEntry>();
  /** Durable and not acknowledged yet. */
  readonly #next = new Map<string, ServiceEntry>();
  readonly problems: StoreProblem[] = [];

  /** @param dir the vault directory, which exists. @throws AirlockError VAULT_UNREADABLE where the operator's own is not ours. */
  constructor(dir: string, operator: string) {
    if (!isName(operator)) throw new AirlockError('CONFIG_INVALID', 'an operator has no name');
    this.operator = operator;
    this.#dir = join(dir, operator);
    ensureDirectory(this.#dir);
    for (const file of listDirectory(this.#dir)) this.#load(file);
  }

  get entries(): ReadonlyMap<string, ServiceEntry> {
    return this.#entries;
  }

  get(service: string): ServiceEntry | undefined {
    return this.#entries.get(service);
  }

  /** @throws AirlockError UNAVAILABLE where the operator has as many services as can be listed. */
  checkRoom(service: string): void {
    if (this.#entries.has(service) || this.#entries.size < GATEWAY_LIMITS.maxServices) return;
    throw new AirlockError('UNAVAILABLE', `there are ${GATEWAY_LIMITS.maxServices} services already`, {
      retry: 'never',
      hint: 'remove one first',
    });
  }

  /**
   * STORE-2: durable, acknowledged, then current.
   * @throws AirlockError of airlock-totp, the old record standing; UNAVAILABLE where it did not answer, the new one kept.
   */
  async put(entry: ServiceEntry, commit: Commit): Promise<void> {
    writeDurable(this.#path(entry.service, NEXT), JSON.stringify(entry));
    this.#next.set(entry.service, entry);
    await this.#promote(entry, commit);
  }

  /**
   * STORE-4: as `put`, where `from` is current still and nothing newer is on its way.
   * @returns whether it was stored. @throws AirlockError as `put`
   */
  async swap(from: ServiceEntry, to: ServiceEntry, commit: Commit): Promise<boolean> {
    if (this.#entries.get(from.service) !== from || this.#next.has(from.service)) return false;
    await this.put(to, commit);
    return this.#entries.get(from.service) === to;
  }

  /** STORE-3, after each reconnect. */
  async settle(commit: Commit): Promise<void> {
    for (const entry of [...this.#next.values()]) {
      try {
        await this.#promote(entry, commit);
      } catch {
        // Refused and dropped, or unanswered and kept for the next reconnect.
      }
    }
  }

  /** Records that are durable and not acknowledged yet, or files that could not be read: then nobody can say what is stored. */
  get isSettled(): boolean {
    return this.#next.size === 0 && this.problems.length === 0;
  }

  /** The same record with its key wrapped again, durably; where it was replaced meanwhile, nothing. */
  rewrap(entry: ServiceEntry, wrapped: string): void {
    if (entry.record === null || entry.record.wrapped === wrapped || this.#entries.get(entry.service) !== entry) return;
    const next = { ...entry, record: { ...entry.record, wrapped } };
    writeDurable(this.#path(entry.service, CURRENT), JSON.stringify(next));
    this.#entries.set(entry.service, next);
  }

  /** A definition without a new record: what `credentials.remove` leaves. */
  replace(entry: ServiceEntry): void {
    writeDurable(this.#path(entry.service, CURRENT), JSON.stringify(entry));
    this.#entries.set(entry.service, entry);
    this.#dropNext(entry.service);
  }

  /**
   * These, and nothing else: what could not be read goes too, or it would be back once it can be. Durable on return; where it
   * fails it can be done again. @throws AirlockError UNAVAILABLE, Error of the disk
   */
  replaceAll(entries: readonly ServiceEntry[]): void {
    const kept = new Set(entries.map(({ service }) => service + CURRENT));
    for (const entry of entries) this.replace(entry);
    const over = listDirectory(this.#dir).filter((file) => suffixOf(file) !== undefined && !kept.has(file));
    for (const file of over) removeDurable(join(this.#dir, file));
    for (const service of [...this.#entries.keys()]) if (!kept.has(service + CURRENT)) this.#entries.delete(service);
    this.#next.clear();
    this.problems.length = 0;
  }

  remove(service: string): void {
    this.#dropNext(service);
    removeDurable(this.#path(service, CURRENT));
    this.#entries.delete(service);
  }

  async #promote(entry: ServiceEntry, commit: Commit): Promise<void> {
    try {
      await commit(entry, versionOf(entry));
    } catch (thrown) {
      const error = asAirlockError(thrown);
      if (REFUSALS.has(error.code) && this.#next.get(entry.service) === entry) this.#dropNext(entry.service);
      throw error;
    }
    if (this.#next.get(entry.service) !== entry) return;
    renameDurable(this.#path(entry.service, NEXT), this.#path(entry.service, CURRENT));
    this.#next.delete(entry.service);
    this.#entries.set(entry.service, entry);
  }

  #dropNext(service: string): void {
    if (!this.#next.has(service)) return;
    removeDurable(this.#path(service, NEXT));
    this.#next.delete(service);
  }

  /** The service name was matched by its schema, which leaves no way out of the directory. */
  #path(service: string, suffix: string): string {
    return join(this.#dir, service + suffix);
  }

  #load(file: string): void {
    const suffix = suffixOf(file);
    if (suffix === undefined) return;
    try {
      const entry = parseEntry(file, readListedFile(join(this.#dir, file)));
      if (entry.service + suffix !== file) throw new AirlockError('VAULT_UNREADABLE', `${file} is the file of another service`);
      (suffix === CURRENT ? this.#entries : this.#next).set(entry.service, entry);
    } catch (thrown) {
      this.problems.push({ file: `${this.operator}/${file}`, problem: asAirlockError(thrown).message });
    }
  }
}
