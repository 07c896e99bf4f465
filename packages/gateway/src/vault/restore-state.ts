/**
 * Which restore is in force here, and which is due: `restored.json`, the id of the last one that was put in force.
 *
 * BACKUP-12  once the id stands there its backup is never put in force again; until then nothing is served or changed.
 */
import { AirlockError, type DueRestore } from '@airlock/protocol';
import { readPrivateFile, writeDurable } from '../state/files.js';

const MAX_BYTES = 256;
export const RESTORE_ID = /^[\w-]{22}$/;

const damaged = (path: string): AirlockError =>
  new AirlockError('VAULT_UNREADABLE', `${path} is damaged: which backup is in force cannot be said`, {
    hint: `as root, put ${path} back from a copy`,
  });

const parseId = (path: string, text: string): string => {
  try {
    const { id } = JSON.parse(text) as { readonly id?: unknown };
    if (typeof id === 'string' && RESTORE_ID.test(id)) return id;
  } catch {
    // As any other form that is not ours.
  }
  throw damaged(path);
};

export class RestoreState {
  readonly #path: string | null;
  #applied: string | null = null;
  /** What airlock-totp said is due. */
  due: DueRestore | null = null;
  /** Why it is not in force yet; seals. */
  problem: AirlockError | null = null;
  /** Id of the last one that stands in the log, as far as this process knows. */
  recorded: string | null = null;

  /** @param path null: in memory. @throws AirlockError VAULT_UNREADABLE */
  constructor(path: string | null) {
    this.#path = path;
    const text = path === null ? null : readPrivateFile(path, MAX_BYTES);
    if (path !== null && text !== null) this.#applied = parseId(path, text);
  }

  get applied(): string | null {
    return this.#applied;
  }

  /** It is in force. Durable on return. @throws AirlockError UNAVAILABLE */
  keep(id: string): void {
    if (this.#path !== null) writeDurable(this.#path, JSON.stringify({ id }));
    this.#applied = id;
  }
}
