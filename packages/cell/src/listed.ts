/**
 * The operations that a service lists itself, held to what the operator accepted.
 *
 * LISTED-1  only what is listed now with the hash that was accepted is run; its class is that of the list of now.
 * LISTED-2  a list that differs is told to the gateway, once for each list.
 */
import { AirlockError, digestOfPins, pinsOf, type ListedOperation, type OperationManifest, type Pins } from '@airlock/protocol';

const changed = (name: string, service: string): AirlockError =>
  new AirlockError('BLOCKED', `the service describes ${name} in another way than the operator accepted`, {
    retry: 'never',
    hint: `the operator can look at the difference and accept it: airlock-ctl service accept ${service}`,
  });

const unknown = (name: string, service: string): AirlockError =>
  new AirlockError('OPERATION_UNKNOWN', `${service} does not list ${name} now`, { field: 'params.operation', found: name });

const broken = (name: string, problem: string): AirlockError =>
  new AirlockError('BLOCKED', `${name} cannot be called: ${problem}`, {
    retry: 'never',
    hint: 'the definition of this tool has to be mended by whoever makes the server',
  });

export class ListedOperations {
  readonly #service: string;
  readonly #pins: Pins;
  readonly #accepted: string;
  readonly #tell: (listed: readonly ListedOperation[]) => void;
  #told: string;
  #live: ReadonlyMap<string, ListedOperation> = new Map();

  constructor(service: string, pins: Pins, tell: (listed: readonly ListedOperation[]) => void) {
    this.#service = service;
    this.#pins = pins;
    this.#accepted = digestOfPins(pins);
    this.#told = this.#accepted;
    this.#tell = tell;
  }

  /** LISTED-2. */
  update(listed: readonly ListedOperation[]): void {
    this.#live = new Map(listed.map((one) => [one.operation.name, one]));
    const digest = digestOfPins(pinsOf(listed));
    if (digest === this.#told) return;
    this.#told = digest;
    this.#tell(listed);
  }

  /** LISTED-1. @throws AirlockError OPERATION_UNKNOWN, BLOCKED */
  find(name: string): OperationManifest {
    const live = this.#live.get(name);
    const pin = Object.hasOwn(this.#pins, name) ? this.#pins[name] : undefined;
    if (live === undefined || pin === undefined) throw unknown(name, this.#service);
    if (live.hash !== pin) throw changed(name, this.#service);
    if (live.problem !== undefined) throw broken(name, live.problem);
    return live.operation;
  }
}
