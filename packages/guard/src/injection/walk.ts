/**
 * The words of a text, followed through a tree of the signatures' words letter by letter: nothing is set aside for a word
 * that is none of them, and for a text of ASCII not even lower case is made.
 */
import { foreignPlaces, lookUp, VOCABULARY, type Places } from './words.js';

/** A longer one is no word. */
export const MAX_WORD = 32;

/** What a word of ASCII is made of, either case alike; column 0: no part of a word. */
const CHARS = "abcdefghijklmnopqrstuvwxyz0123456789'";
const COLUMNS = CHARS.length + 1;
const ASCII = 128;
const COLUMN = Uint8Array.from({ length: ASCII }, (_, code) => CHARS.indexOf(String.fromCharCode(code).toLowerCase()) + 1);

const columnAt = (text: string, at: number): number => {
  const code = text.charCodeAt(at);
  return code < ASCII ? (COLUMN[code] ?? 0) : 0;
};

interface Tree {
  /** The node behind a node and a column; 0: there is none. */
  readonly next: Int16Array;
  /** By the node: places of a word that ends there, and of one that leaves the tree there. */
  readonly ended: readonly Places[];
  readonly left: readonly Places[];
}

const treeOf = (words: readonly string[]): Tree => {
  // The beginnings of all words; the empty one is the root.
  const plain = words.filter((word) => /^[a-z0-9']+$/.test(word));
  const nodes = ['', ...new Set(plain.flatMap((word) => Array.from(word, (_, at) => word.slice(0, at + 1))))];
  const numbers = new Map(nodes.map((node, number) => [node, number]));
  const next = new Int16Array(nodes.length * COLUMNS);
  for (const [node, number] of numbers)
    if (node !== '') {
      const above = numbers.get(node.slice(0, -1)) ?? 0;
      next[above * COLUMNS + (COLUMN[node.charCodeAt(node.length - 1)] ?? 0)] = number;
    }
  // No word goes on with a sign: such a one has what its beginning says.
  return { next, ended: nodes.map(lookUp), left: nodes.map((node) => lookUp(`${node}!`)) };
};

/** Made at the first text. */
let tree: Tree | null = null;

const LETTER = /[\p{L}\p{N}]/u;
const LAST_UNIT = 0xffff;
/** What LETTER says of each unit, once it was asked: 1 no, 2 yes. */
let letters: Uint8Array | null = null;

const isLetterAt = (text: string, at: number): boolean => {
  const code = text.codePointAt(at) ?? 0;
  if (code > LAST_UNIT) return LETTER.test(String.fromCodePoint(code));
  letters ??= new Uint8Array(LAST_UNIT + 1);
  if (letters[code] === 0) letters[code] = LETTER.test(String.fromCharCode(code)) ? 2 : 1;
  return letters[code] === 2;
};

const isWordAt = (text: string, at: number): boolean => {
  const code = text.charCodeAt(at);
  return code < ASCII ? COLUMN[code] !== 0 : at < text.length && isLetterAt(text, at);
};

const endOfWord = (text: string, from: number): number => {
  let at = from;
  while (isWordAt(text, at)) at += (text.codePointAt(at) ?? 0) > LAST_UNIT ? 2 : 1;
  return at;
};

/** The ASCII word, or beginning of a word, at `from`: where it ends and what it says. */
class Step {
  end = 0;
  places: Places = [];

  take(text: string, from: number, { next, ended, left }: Tree): void {
    let [at, node, column] = [from, 0, columnAt(text, from)];
    for (; column !== 0; column = columnAt(text, ++at)) {
      const step = next[node * COLUMNS + column] ?? 0;
      if (step === 0) break;
      node = step;
    }
    const isInside = column === 0;
    // What is left of a word that is none of the tree.
    while (column !== 0) column = columnAt(text, ++at);
    this.end = at;
    this.places = (isInside ? ended[node] : left[node]) ?? [];
  }
}

/**
 * The words of a text (letters, digits and apostrophes) that may stand in a signature, in their order. What is beyond
 * ASCII is expected in lower case.
 * @param take is given the number of the word in the text, and its places
 */
export const eachWord = (text: string, take: (index: number, places: Places) => void): void => {
  tree ??= treeOf(VOCABULARY);
  const step = new Step();
  let index = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (!isWordAt(text, at)) continue;
    index += 1;
    step.take(text, at, tree);
    const isForeign = text.charCodeAt(step.end) >= ASCII && isWordAt(text, step.end);
    const end = isForeign ? endOfWord(text, step.end) : step.end;
    const places = end - at > MAX_WORD ? [] : isForeign ? foreignPlaces(text.slice(at, end)) : step.places;
    if (places.length > 0) take(index, places);
    at = end;
  }
};
