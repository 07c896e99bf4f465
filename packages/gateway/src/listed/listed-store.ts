/**
 * What services list themselves: listed/OPERATOR/SERVICE.json has what the operator accepted; what is offered beyond it is kept in
 * memory, for the next cell tells it again.
 *
 * LISTED-3  only what was accepted is offered to agents; a file that is not ours, or not as we wrote it, accepts nothing.
 * LISTED-4  what a cell tells is looked at like a stranger's words (`checkListed`): closed schemas, a bound on its size, no name of
 *           the kind's own.
 */
import { join } from 'node:path';
import {
  asAirlockError,
  digestOfPins,
  parseListed,
  pinsOf,
  type ListedOperation,
  type OperationManifest,
  type Pins,
} from '@airlock/protocol';
import { GATEWAY_LIMITS } from '../limits.js';
import { ensureDirectory, listDirectory, readListedFile, removeDurable, writeDurable } from '../state/files.js';

type Listed = readonly ListedOperation[];

interface Kept {
  readonly accepted: Listed;
  readonly pins: Pins;
  readonly operations: ReadonlyMap<string, OperationManifest>;
}

const NOTHING: Kept = { accepted: [], pins: {}, operations: new Map() };
const SUFFIX = '.json';

const keptOf = (accepted: Listed): Kept => ({
  accepted,
  pins: pinsOf(accepted),
  operations: new Map(
    accepted.filter(({ problem }) => problem === undefined).map(({ operation }) => [operation.name, operation]),
  ),
});

/** Of one operator. */
export class ListedStore {
  readonly #dir: string;
  readonly #kept = new Map<string, Kept>();
  readonly #offered = new Map<string, Listed>();
  readonly problems: { readonly file: string; readonly problem: string }[] = [];

  /** @param dir which exists. @throws AirlockError VAULT_UNREADABLE where the operator's own is not ours */
  constructor(dir: string, operator: string) {
    this.#dir = join(dir, operator);
    ensureDirectory(this.#dir);
    for (const file of listDirectory(this.#dir)) if (file.endsWith(SUFFIX)) this.#load(file);
  }

  accepted(service: string): Listed {
    return (this.#kept.get(service) ?? NOTHING).accepted;
  }

  pins(service: string): Pins {
    return (this.#kept.get(service) ?? NOTHING).pins;
  }

  /** LISTED-3. */
  operations(service: string): ReadonlyMap<string, OperationManifest> {
    return (this.#kept.get(service) ?? NOTHING).operations;
  }

  offered(service: string): Listed | null {
    return this.#offered.get(service) ?? null;
  }

  /** @returns whether it is another list than the one known */
  offer(service: string, listed: Listed): boolean {
    const digest = digestOfPins(pinsOf(listed));
    const known = this.#offered.get(service);
    if (digest === digestOfPins(known === undefined ? this.pins(service) : pinsOf(known))) return false;
    if (digest === digestOfPins(this.pins(service))) this.#offered.delete(service);
    else this.#offered.set(service, listed);
    return true;
  }

  /** Durable on return. */
  accept(service: string, listed: Listed): void {
    writeDurable(this.#path(service), JSON.stringify({ v: 1, accepted: listed }));
    this.#kept.set(service, keptOf(listed));
    this.#offered.delete(service);
  }

  /** What a backup has, and nothing else; empty texts for nothing. As `replaceAll` of the services. @throws AirlockError, Error of the disk */
  replaceAll(texts: ReadonlyMap<string, string>): void {
    const listed = [...texts].filter(([, text]) => text !== '');
    for (const [service, text] of listed) this.accept(service, parseListed(text));
    const kept = new Set(listed.map(([service]) => service + SUFFIX));
    const over = listDirectory(this.#dir).filter((file) => file.endsWith(SUFFIX) && !kept.has(file));
    for (const file of over) removeDurable(join(this.#dir, file));
    for (const service of [...this.#kept.keys()]) if (!kept.has(service + SUFFIX)) this.#kept.delete(service);
    this.#offered.clear();
    this.problems.length = 0;
  }

  remove(service: string): void {
    if (this.#kept.has(service)) removeDurable(this.#path(service));
    this.#kept.delete(service);
    this.#offered.delete(service);
  }

  #path(service: string): string {
    return join(this.#dir, service + SUFFIX);
  }

  #load(file: string): void {
    try {
      const text = readListedFile(join(this.#dir, file), GATEWAY_LIMITS.maxListedFileBytes);
      this.#kept.set(file.slice(0, -SUFFIX.length), keptOf(parseListed(text)));
    } catch (thrown) {
      this.problems.push({ file, problem: asAirlockError(thrown).message });
    }
  }
}
