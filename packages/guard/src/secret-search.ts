/**
 * Looks for all forms of all secrets in one pass over a text.
 *
 * Two units say whether a form may begin: hardly a place of an ordinary text is left, and only there it is matched.
 */
import { NONE, OPEN, type Form, type Range } from './secret-forms.js';
import { replaceFound } from './secrets/found.js';

/** Bits of a 32-bit integer that can be told apart without a sign. */
const MAX_TOGETHER = 31;
const BEYOND_ASCII = 128;
const END = 129;
const UNITS = 130;

/** A bit for each form, by the UTF-16 unit; all beyond ASCII are one, and so is the end of the text. */
interface Group {
  readonly forms: readonly Form[];
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly loose: Int32Array;
}

const unitAt = (text: string, at: number): number => {
  const code = text.charCodeAt(at);
  return code < BEYOND_ASCII ? code : BEYOND_ASCII;
};

const tableOf = (forms: readonly Form[], units: (form: Form) => string): Int32Array => {
  const table = new Int32Array(UNITS);
  forms.forEach((form, bit) => {
    const text = units(form);
    for (let at = 0; at < text.length; at += 1) table[unitAt(text, at)] = (table[unitAt(text, at)] ?? 0) | (1 << bit);
  });
  return table;
};

const groupOf = (forms: readonly Form[]): Group => {
  const second = tableOf(forms, (form) => form.second);
  // At the end of the text anything may have followed.
  second[END] = -1;
  return { forms, first: tableOf(forms, (form) => form.first), second, loose: tableOf(forms, (form) => form.loose) };
};

export type Search = readonly Group[];

/** Prepares the search for all of these forms. */
export const searchOf = (forms: readonly Form[]): Search =>
  Array.from({ length: Math.ceil(forms.length / MAX_TOGETHER) }, (_, index) =>
    groupOf(forms.slice(index * MAX_TOGETHER, (index + 1) * MAX_TOGETHER)),
  );

/** A form that may begin at `at` and whose end the text does not hold. */
export interface Begun {
  readonly form: Form;
  readonly at: number;
}

/**
 * Goes over the places at which a form of the group may begin, until `take` wants no more.
 * @param take is given the place and the bits of the forms; true ends the pass
 */
const eachPlace = (text: string, { first, second, loose }: Group, take: (at: number, bits: number) => boolean): boolean => {
  const last = text.length - 1;
  let unit = unitAt(text, 0);
  for (let at = 0; at <= last; at += 1) {
    const next = at === last ? END : unitAt(text, at + 1);
    const bits = (loose[unit] ?? 0) | ((first[unit] ?? 0) & (second[next] ?? 0));
    if (bits !== 0 && take(at, bits)) return true;
    unit = next;
  }
  return false;
};

const lowestOf = (bits: number): number => 31 - Math.clz32(bits & -bits);

/** True where the text holds a match of any form; `begun` is told what may go on in another text. */
export const holdsAny = (text: string, search: Search, begun?: (begun: Begun) => void): boolean => {
  for (const group of search) {
    const take = (at: number, bits: number): boolean => {
      for (let left = bits; left !== 0; left &= left - 1) {
        const form = group.forms[lowestOf(left)];
        const end = form?.endAt(text, at) ?? NONE;
        if (end > 0) return true;
        if (end === OPEN && form !== undefined) begun?.({ form, at });
      }
      return false;
    };
    if (eachPlace(text, group, take)) return true;
  }
  return false;
};

/** The matches of a group's forms: each as `rangesOf` gives them. */
const rangesTogether = (text: string, group: Group): Range[][] => {
  const ranges = group.forms.map((): Range[] => []);
  const next = group.forms.map(() => 0);
  eachPlace(text, group, (at, bits) => {
    for (let left = bits; left !== 0; left &= left - 1) {
      const index = lowestOf(left);
      const form = group.forms[index];
      const end = form === undefined || at < (next[index] ?? 0) ? NONE : form.endAt(text, at);
      if (form === undefined || end <= 0) continue;
      const { from, to } = form.widen(text, at, end);
      ranges[index]?.push({ from: Math.max(next[index] ?? 0, from), to });
      next[index] = to;
    }
    return false;
  });
  return ranges;
};

/** The matches of each form in their order, in the order of the forms. */
export const findRanges = (text: string, search: Search): Range[][] => search.flatMap((group) => rangesTogether(text, group));

/** Every match of the one form, in order, none over another. */
export const rangesOf = (text: string, form: Form): readonly Range[] => rangesTogether(text, groupOf([form]))[0] ?? [];

/** Replaces every match of the form. @returns the text, and how often. */
export const replaceForm = (text: string, form: Form, mark: string): { readonly text: string; readonly count: number } => {
  const ranges = rangesOf(text, form);
  const found = ranges.map((range) => ({ ...range, kind: 'key' as const, mark }));
  return { text: replaceFound(text, found), count: ranges.length };
};
