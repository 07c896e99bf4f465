/**
 * Keeps the log as long as `audit.retain_days` says, and no longer (docs/spec/audit.md "Keeping").
 *
 * AUDIT-25  recorded, signed, then removed; a step that fails is tried again, and nothing goes before the one ahead of it.
 * AUDIT-27  one segment an hour: a clock that ran ahead costs little before somebody sees it.
 */
import { findPrunable, parseSignedHead, removeSegment, type AuditLog } from '@airlock/audit';
import { asAirlockError, type Clock } from '@airlock/protocol';
import { GATEWAY_LIMITS } from '../limits.js';

export interface RetentionOptions {
  readonly log: AuditLog;
  readonly dir: string;
  readonly clock: Clock;
  readonly retainDays: number;
  /** A signed head over everything written until now. */
  readonly checkpoint: () => Promise<string>;
  readonly report: (message: string) => void;
}

export class Retention {
  readonly #options: RetentionOptions;
  /** The segment whose removal is recorded, and the `seq` of that record. */
  #recorded: { readonly file: string; readonly seq: number } | null = null;
  #againAtMs = 0;
  #isRunning = false;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  /** To be called while airlock-totp answers. */
  tick(): void {
    const nowMs = this.#options.clock.bootMs();
    if (this.#isRunning || nowMs < this.#againAtMs || this.#options.log.sealed !== null) return;
    this.#againAtMs = nowMs + GATEWAY_LIMITS.pruneIntervalMs;
    this.#isRunning = true;
    void this.#run()
      .catch((thrown: unknown) => {
        this.#againAtMs = nowMs + GATEWAY_LIMITS.pruneRetryMs;
        this.#options.report(`an old segment of the log stays for now: ${asAirlockError(thrown).message}`);
      })
      .finally(() => (this.#isRunning = false));
  }

  async #run(): Promise<void> {
    const { log, dir, clock, retainDays, checkpoint } = this.#options;
    const signedSize = log.durableHead().size;
    const found = findPrunable({ dir, nowMs: clock.wallMs(), retainDays, signedSize });
    if (found === null) return;
    if (this.#recorded?.file !== found.file)
      this.#recorded = { file: found.file, seq: await log.appendDurable('log_pruned', { ...found, retainDays }) };
    const head = parseSignedHead(await checkpoint());
    if (head.size >= this.#recorded.seq) removeSegment(dir, found.file);
  }
}
