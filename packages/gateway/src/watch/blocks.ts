/**
 * Who is blocked, until when, across kills of this process. A reboot ends every lease, and with them every block.
 *
 * ANOM-6  a block is written before the answer that tells of it, and ends by time, by the operator, or with the boot.
 */
import { LedgerFile } from '../state/ledger-file.js';
import { KINDS, type AnomalyKind } from './kinds.js';

export interface Block {
  readonly operator: string;
  readonly role: string;
  /** null: the whole role. */
  readonly session: string | null;
  readonly kind: AnomalyKind;
  readonly limit: number;
  /** Wall clock, for people. */
  readonly sinceMs: number;
  /** Boot clock, which nobody can set. */
  readonly untilBootMs: number;
}

const isBlock = (value: object): value is Block => {
  const { operator, role, session, kind, limit, sinceMs, untilBootMs } = value as Partial<Record<keyof Block, unknown>>;
  const isNamed = typeof operator === 'string' && typeof role === 'string' && (session === null || typeof session === 'string');
  const isTimed = [limit, sinceMs, untilBootMs].every((one) => Number.isFinite(one));
  return isNamed && isTimed && typeof kind === 'string' && Object.hasOwn(KINDS, kind);
};

const keyOf = (role: string, session: string | null): string => (session === null ? role : `${role}/${session}`);

export class Blocks {
  readonly #blocks = new Map<string, Block>();
  readonly #file: LedgerFile;

  /** @throws AirlockError VAULT_UNREADABLE where the file is not ours. */
  constructor(path: string | null, bootId: string) {
    this.#file = new LedgerFile(
      path,
      bootId,
      (line) => (isBlock(line) ? this.#set(line) : undefined),
      () => [...this.#blocks.values()],
    );
  }

  /** What stands against a session: that of its role first. */
  find(role: string, session: string | null, bootMs: number): Block | null {
    if (this.#blocks.size === 0) return null;
    const block = this.#blocks.get(role) ?? (session === null ? undefined : this.#blocks.get(keyOf(role, session)));
    return block !== undefined && block.untilBootMs > bootMs ? block : null;
  }

  all(): readonly Block[] {
    return [...this.#blocks.values()];
  }

  /** Blocks of single sessions of a role. */
  countOf(role: string): number {
    return this.all().filter((block) => block.role === role && block.session !== null).length;
  }

  /** In the kernel's hands on return. */
  add(block: Block): void {
    this.#file.append(block);
    this.#set(block);
  }

  /** A lifted role lifts the blocks of its sessions too; those of another operator's role stand. @returns what was lifted */
  lift(operator: string, role: string, session: string | null): readonly Block[] {
    const own = this.all().filter((block) => block.operator === operator && block.role === role);
    const lifted = own.filter((block) => session === null || block.session === session);
    for (const block of lifted) this.#end(block);
    return lifted;
  }

  /** @returns what time has ended */
  expire(bootMs: number): readonly Block[] {
    if (this.#blocks.size === 0) return [];
    const over = this.all().filter(({ untilBootMs }) => untilBootMs <= bootMs);
    for (const block of over) this.#end(block);
    return over;
  }

  close(): void {
    this.#file.close();
  }

  #end(block: Block): void {
    this.add({ ...block, untilBootMs: 0 });
  }

  #set(block: Block): void {
    const key = keyOf(block.role, block.session);
    if (block.untilBootMs === 0) this.#blocks.delete(key);
    else this.#blocks.set(key, block);
  }
}
