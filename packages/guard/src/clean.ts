/**
 * Tells quickly of most values that no secret stands in them, neither whole nor in pieces: each text is looked through
 * once. Only what is not clean is taken apart by mask.ts and split.ts.
 *
 * GUARD-13  a form that begins at the end of a text is followed into the texts that a reader may put behind it.
 */
import type { Json } from '@airlock/protocol';
import { withoutHidden } from './neutralise.js';
import { OPEN, type Form } from './secret-forms.js';
import { holdsAny, type Search } from './secret-search.js';

export interface Sought {
  /** Secrets that are masked where they are the whole text. */
  readonly whole: { has(text: string): boolean };
  readonly longestWhole: number;
  readonly search: Search;
  /** Forms that are looked for in pieces. */
  readonly split: ReadonlySet<Form>;
  /** More of a text is never part of a piece. */
  readonly reach: number;
}

interface Begun {
  readonly form: Form;
  readonly at: number;
  readonly leaf: number;
}

type Kind = 'key' | 'string' | 'number';

/** The texts of a value in their order, with what kind each is and under which name. */
class Leaves {
  readonly texts: string[] = [];
  readonly kinds: Kind[] = [];
  readonly names: string[] = [];

  add(text: string, kind: Kind, name: string): void {
    this.texts.push(text);
    this.kinds.push(kind);
    this.names.push(name);
  }
}

/** Which texts a reader puts behind one another; split.ts says the same of whole values. */
type Follows = (leaves: Leaves, before: number, next: number) => boolean;
const inOrder: Follows = () => true;
const asKeys: Follows = ({ kinds }, _, next) => kinds[next] === 'key';
const asValues: Follows = ({ kinds }, _, next) => kinds[next] !== 'key';
const asWords: Follows = ({ kinds }, _, next) => kinds[next] === 'string';
const byName: Follows = ({ kinds, names }, before, next) => kinds[next] !== 'key' && names[before] === names[next];
/** By the kind of the text in which the form begins. */
const ORDERS: Readonly<Record<Kind, readonly Follows[]>> = {
  key: [inOrder, asKeys],
  string: [inOrder, asValues, asWords, byName],
  number: [inOrder, asValues, byName],
};

/** Steps that may be spent for each text; where they are not enough the value counts as not clean. */
const STEPS_PER_LEAF = 64;
const MIN_STEPS = 1024;

class Looking {
  readonly #sought: Sought;
  readonly #leaves = new Leaves();
  readonly #begun: Begun[] = [];
  #steps = 0;

  constructor(sought: Sought) {
    this.#sought = sought;
  }

  isClean(value: Json): boolean {
    if (!this.#walk(value, '')) return false;
    this.#steps = MIN_STEPS + STEPS_PER_LEAF * this.#leaves.texts.length;
    return this.#begun.every((begun) => {
      const orders = ORDERS[this.#leaves.kinds[begun.leaf] ?? 'string'];
      return orders.every((follows) => !this.#goesOn(begun, follows));
    });
  }

  #walk(value: Json, name: string): boolean {
    if (typeof value === 'string') return this.#text(value, 'string', name);
    if (typeof value === 'number') return this.#text(String(value), 'number', name);
    if (typeof value !== 'object' || value === null) return true;
    if (Array.isArray(value)) return value.every((item: Json) => this.#walk(item, name));
    return Object.entries(value).every(([key, member]) => this.#text(key, 'key', key) && this.#walk(member, key));
  }

  #text(text: string, kind: Kind, name: string): boolean {
    const { whole, longestWhole, search, split } = this.#sought;
    if (text.length <= longestWhole && whole.has(text)) return false;
    const leaf = this.#leaves.texts.length;
    this.#leaves.add(text, kind, name);
    const isHeld = holdsAny(text, search, ({ form, at }) => {
      if (split.has(form)) this.#begun.push({ form, at, leaf });
    });
    if (isHeld) return false;
    const plain = withoutHidden(text);
    return plain === null || !holdsAny(plain.text, search);
  }

  /** True where the form is whole with the texts that follow, and where that took too long to say. */
  #goesOn({ form, at, leaf }: Begun, follows: Follows): boolean {
    const { texts } = this.#leaves;
    let text = (texts[leaf] ?? '').slice(at);
    for (let next = leaf + 1; next < texts.length; next += 1) {
      this.#steps -= 1;
      if (this.#steps < 0) return true;
      if (!follows(this.#leaves, leaf, next)) continue;
      text += (texts[next] ?? '').slice(0, this.#sought.reach);
      const end = form.endAt(text, 0);
      if (end !== OPEN) return end > 0;
    }
    return false;
  }
}

/** False where a secret stands in the value, and where it may. */
export const isClean = (value: Json, sought: Sought): boolean => new Looking(sought).isClean(value);
