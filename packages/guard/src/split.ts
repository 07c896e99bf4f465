/**
 * Finds a credential that was cut into pieces over the strings of a result.
 *
 * GUARD-13  the credential is found though it be split over fields: over values in their order, over keys, over keys and
 *           values in turn, or over the members of one name in a list; in each of the forms of GUARD-5.
 */
import type { Json } from '@airlock/protocol';
import { MASK_LIMITS } from './limits.js';
import { keyApart } from './neutralise.js';
import { replaceFound, withoutOverlaps, type Found } from './secrets/found.js';
import type { Form } from './secret-forms.js';
import { findRanges, searchOf, type Search } from './secret-search.js';

export interface SplitForm {
  readonly form: Form;
  readonly mark: string;
}

interface Leaf {
  readonly text: string;
  readonly name: string;
  readonly isKey: boolean;
  readonly isNumber: boolean;
}

/** Keys and values in the order of the document; the same walk rebuilds it. */
const leavesOf = (value: Json): Leaf[] => {
  const leaves: Leaf[] = [];
  const walk = (at: Json, name: string): void => {
    if (typeof at === 'string') leaves.push({ text: at, name, isKey: false, isNumber: false });
    else if (typeof at === 'number') leaves.push({ text: String(at), name, isKey: false, isNumber: true });
    else if (Array.isArray(at)) for (const item of at as readonly Json[]) walk(item, name);
    else if (typeof at === 'object' && at !== null)
      for (const [key, member] of Object.entries(at as Readonly<Record<string, Json>>)) {
        leaves.push({ text: key, name: key, isKey: true, isNumber: false });
        walk(member, key);
      }
  };
  walk(value, '');
  return leaves;
};

/** A leaf's piece in a stream. */
interface Piece {
  readonly leaf: number;
  /** Where the piece begins in the leaf, and in the stream. */
  readonly from: number;
  readonly at: number;
  readonly length: number;
}

/** No form of a secret holds it. */
const GAP = '\u0000';

/** The ends of long strings are enough: what lies whole in one string was masked before. */
const streamOf = (leaves: readonly Leaf[], indexes: readonly number[], reach: number) => {
  const pieces: Piece[] = [];
  let text = '';
  const add = (leaf: number, from: number, part: string): void => {
    pieces.push({ leaf, from, at: text.length, length: part.length });
    text += part;
  };
  for (const leaf of indexes) {
    const whole = leaves[leaf]?.text ?? '';
    if (whole.length <= 2 * reach) add(leaf, 0, whole);
    else {
      add(leaf, 0, whole.slice(0, reach));
      text += GAP;
      add(leaf, whole.length - reach, whole.slice(-reach));
    }
  }
  return { text, pieces };
};

/** Orders in which a reader puts pieces together. */
const ordersOf = (leaves: readonly Leaf[]): number[][] => {
  const all = leaves.map((_, index) => index);
  const values = all.filter((index) => leaves[index]?.isKey === false);
  const strings = values.filter((index) => leaves[index]?.isNumber === false);
  const keys = all.filter((index) => leaves[index]?.isKey === true);
  const byName = new Map<string, number[]>();
  for (const index of values) {
    const name = leaves[index]?.name ?? '';
    const group = byName.get(name);
    if (group === undefined) byName.set(name, [index]);
    else group.push(index);
  }
  const named = byName.size > 1 ? [...byName.values()] : [];
  // Without numbers the strings are the values.
  const words = strings.length === values.length ? [] : strings;
  return [all, values, words, keys, ...named].filter((order) => order.length > 1);
};

type Cuts = Map<number, Found[]>;

/** Pieces the match touches; only one that touches several was not found before. */
const cutPieces = (pieces: readonly Piece[], from: number, to: number, mark: string, cuts: Cuts): void => {
  let low = 0;
  let high = pieces.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const piece = pieces[middle];
    if (piece !== undefined && piece.at + piece.length <= from) low = middle + 1;
    else high = middle;
  }
  const touched: Piece[] = [];
  for (let i = low; i < pieces.length; i += 1) {
    const piece = pieces[i];
    if (piece === undefined || piece.at >= to) break;
    if (piece.length > 0) touched.push(piece);
  }
  if (new Set(touched.map(({ leaf }) => leaf)).size < 2) return;
  for (const { leaf, from: begin, at, length } of touched) {
    const cut = { from: begin + Math.max(0, from - at), to: begin + Math.min(length, to - at), kind: 'key' as const, mark };
    const others = cuts.get(leaf);
    if (others === undefined) cuts.set(leaf, [cut]);
    else others.push(cut);
  }
};

const rebuild = (value: Json, leaves: readonly Leaf[], cuts: Cuts): Json => {
  let next = 0;
  const taken = (): string => {
    const index = next;
    next += 1;
    const text = leaves[index]?.text ?? '';
    const found = cuts.get(index);
    return found === undefined ? text : replaceFound(text, withoutOverlaps(found));
  };
  const walk = (at: Json): Json => {
    if (typeof at === 'string') return taken();
    if (typeof at === 'number') {
      const text = taken();
      return text === String(at) ? at : text;
    }
    if (typeof at !== 'object' || at === null) return at;
    if (Array.isArray(at)) return at.map(walk);
    const names = new Set<string>();
    return Object.fromEntries(Object.entries(at).map(([, member]) => [keyApart(taken(), names), walk(member)]));
  };
  return walk(value);
};

interface Pieces {
  readonly value: Json;
  readonly masked: number;
}
export type SplitMask = (value: Json) => Pieces;

/** Prepares it: the value with the pieces of the secrets replaced, and how many secrets were found so. */
export const splitMasker = (forms: readonly SplitForm[]): SplitMask => {
  const search = searchOf(forms.map(({ form }) => form));
  return (value) => maskSplit(value, forms, search);
};

/** More of a text's end or beginning is never part of a secret in pieces. */
export const reachOf = (forms: readonly SplitForm[]): number =>
  MASK_LIMITS.maxFormFactor * Math.max(0, ...forms.map(({ form }) => form.minChars));

const maskSplit = (value: Json, forms: readonly SplitForm[], search: Search): Pieces => {
  if (forms.length === 0 || typeof value !== 'object' || value === null) return { value, masked: 0 };
  const leaves = leavesOf(value);
  const reach = reachOf(forms);
  const cuts: Cuts = new Map();
  let masked = 0;
  for (const order of ordersOf(leaves)) {
    const { text, pieces } = streamOf(leaves, order, reach);
    findRanges(text, search).forEach((ranges, index) => {
      for (const { from, to } of ranges) {
        const before = cuts.size;
        cutPieces(pieces, from, to, forms[index]?.mark ?? '[masked]', cuts);
        if (cuts.size > before) masked += 1;
      }
    });
  }
  return cuts.size === 0 ? { value, masked: 0 } : { value: rebuild(value, leaves, cuts), masked };
};
