/** How long one call may take, as its connector sees it. The signal is made where somebody looks at it: it costs more than a small call. */
import type { AirlockError, Json, OperationContext } from '@airlock/protocol';

export class Patience implements OperationContext {
  readonly constraints: Readonly<Record<string, Json>>;
  #controller: AbortController | null = null;
  #end: AirlockError | null = null;

  constructor(constraints: Readonly<Record<string, Json>>) {
    this.constraints = constraints;
  }

  /** Aborted once the call has taken too long, whenever it is looked at. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#end !== null) this.#controller.abort(this.#end);
    }
    return this.#controller.signal;
  }

  end(reason: AirlockError): void {
    this.#end = reason;
    this.#controller?.abort(reason);
  }
}
