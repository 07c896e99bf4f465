/**
 * Regular expressions of foreign schemas: refuses those whose matching can take time exponential in the input.
 * `^(a+)+$` takes seconds for thirty characters. What is left is polynomial, and the cell's watchdog ends it.
 *
 * GUARD-2  a repeated group holds neither an unbounded repetition nor alternatives.
 */
import { SCHEMA_LIMITS } from './limits.js';

interface Group {
  /** Something in it repeats without a bound. */
  repeats: boolean;
  alternatives: boolean;
}

const COUNTED = /\{([0-9]{1,9})(,?)([0-9]{0,9})\}/y;

interface Quantifier {
  readonly length: number;
  readonly unbounded: boolean;
}

/** The quantifier at `at`; length 0 where none stands there. */
const quantifierAt = (pattern: string, at: number): Quantifier => {
  const char = pattern[at];
  if (char === '*' || char === '+') return { length: 1, unbounded: true };
  if (char === '?') return { length: 1, unbounded: false };
  COUNTED.lastIndex = at;
  const found = COUNTED.exec(pattern);
  if (found === null) return { length: 0, unbounded: false };
  const [whole, least = '', comma, most = ''] = found;
  const max = comma === '' ? Number(least) : most === '' ? Infinity : Number(most);
  return { length: whole.length, unbounded: max > SCHEMA_LIMITS.maxBoundedRepeats };
};

/** Index behind the class that opens at `at`. */
const endOfClass = (pattern: string, at: number): number => {
  for (let i = at + 1; i < pattern.length; i += 1) {
    if (pattern[i] === '\\') i += 1;
    else if (pattern[i] === ']') return i + 1;
  }
  return pattern.length;
};

const endOfAtom = (pattern: string, at: number): number => {
  if (pattern[at] === '\\') return at + 2;
  if (pattern[at] === '[') return endOfClass(pattern, at);
  return at + 1;
};

/** True where GUARD-2 is broken. Does not judge syntax; the RegExp constructor does. */
export const isExponential = (pattern: string): boolean => {
  const open: Group[] = [];
  let current: Group = { repeats: false, alternatives: false };
  for (let at = 0; at < pattern.length;) {
    const char = pattern[at];
    if (char === '(') {
      open.push(current);
      current = { repeats: false, alternatives: false };
      at += pattern[at + 1] === '?' ? 2 : 1;
      continue;
    }
    if (char === '|') current.alternatives = true;
    const closed = char === ')' ? current : null;
    if (closed !== null) current = open.pop() ?? { repeats: false, alternatives: false };
    const end = endOfAtom(pattern, at);
    const { length, unbounded } = quantifierAt(pattern, end);
    if (closed !== null && unbounded && (closed.repeats || closed.alternatives)) return true;
    if (unbounded || closed?.repeats === true) current.repeats = true;
    at = end + length;
  }
  return false;
};
