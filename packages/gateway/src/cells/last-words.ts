/** What programs of services wrote to stderr last, for their operator: in memory only, in no record and no answer to an agent (UPSTREAM-7). */
import type { Clock } from '@airlock/protocol';
import type { ServiceKey } from './pool.js';

/** Services of all operators; whoever said nothing for longest is forgotten first. */
const MAX_SERVICES = 128;

interface Said {
  readonly text: string;
  readonly atMs: number;
}

const keyOf = ({ operator, service }: ServiceKey): string => `${operator}/${service}`;

export class LastWords {
  readonly #clock: Clock;
  readonly #said = new Map<string, Said>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  take(key: ServiceKey, text: string): void {
    const name = keyOf(key);
    this.#said.delete(name);
    const [oldest] = this.#said.keys();
    if (this.#said.size >= MAX_SERVICES && oldest !== undefined) this.#said.delete(oldest);
    this.#said.set(name, { text, atMs: this.#clock.wallMs() });
  }

  of(key: ServiceKey): Said | null {
    return this.#said.get(keyOf(key)) ?? null;
  }
}
