/** How long one call may take, as its connector sees it. The signal is made where somebody looks at it: it costs more than a small call. */
import { asAirlockError, type AirlockError, type ConnectorExchange, type Json, type OperationContext } from '@airlock/protocol';

export class Patience implements OperationContext {
  readonly constraints: Readonly<Record<string, Json>>;
  readonly exchange?: ConnectorExchange;
  #controller: AbortController | null = null;
  #end: AirlockError | null = null;
  #isWriting = false;

  constructor(constraints: Readonly<Record<string, Json>>, exchange: ConnectorExchange | null = null) {
    this.constraints = constraints;
    if (exchange !== null) this.exchange = exchange;
  }

  /** Aborted once the call has taken too long, whenever it is looked at. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#end !== null) this.#controller.abort(this.#end);
    }
    return this.#controller.signal;
  }

  /** Whether the connector was asked to write; from then on nobody knows what came of it until it says so. */
  get isWriting(): boolean {
    return this.#isWriting;
  }

  /** Why the call was given up before the connector was asked, in words of the cell's own. */
  get refusal(): AirlockError | null {
    return this.#isWriting ? null : this.#end;
  }

  /**
   * A call that was given up while its session was opened writes nothing any more.
   * @param check the last refusal of the cell
   * @throws AirlockError why it was given up
   */
  beginWrite(check: () => void): void {
    try {
      check();
    } catch (thrown) {
      this.#end ??= asAirlockError(thrown);
    }
    if (this.#end !== null) throw this.#end;
    this.#isWriting = true;
  }

  end(reason: AirlockError): void {
    this.#end ??= reason;
    this.#controller?.abort(reason);
  }
}
