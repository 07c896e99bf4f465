/** Records of one turn of the event loop that share one write; all of them learn together whether it was done. */
import type { AirlockError } from '@airlock/protocol';

export class WriteGroup {
  /** Resolves once every record of the group is in the file. */
  readonly written: Promise<void>;
  #resolve: () => void = () => undefined;
  #reject: (error: AirlockError) => void = () => undefined;

  /**
   * @param write is called at the end of this turn. By then something else may have written the group or sealed the log,
   *   and has settled it; what it throws it has told the group.
   */
  constructor(write: () => void) {
    this.written = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever appended hears of it; a group that nobody waits for must not end the process.
    this.written.catch(() => undefined);
    setImmediate(() => {
      try {
        write();
      } catch {
        // Sealed.
      }
    });
  }

  /** The first word stays. @param error why nothing was written, or null. */
  settle(error: AirlockError | null): void {
    if (error === null) this.#resolve();
    else this.#reject(error);
  }
}
