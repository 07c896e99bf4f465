/**
 * Conditions on arguments: `amount > 100`, `repo in ["a", "b"]`, `folder matches "Archive/*"`, `to exists`, `every to matches "*@example.org"`.
 *
 * CONDITION-1  a condition is about the values the caller sent: one that is not there satisfies no comparison.
 * CONDITION-2  on a list a comparison holds where it holds for one item; with `every`, for each item of a list that is not empty.
 * CONDITION-3  values of another type are not equal, not less and not more: nothing is converted.
 */
import { isDeepEqual } from './equal.js';
import { compileGlob } from './glob.js';
import type { Json, Params } from '@airlock/protocol';

/** Holds or does not, for the parameters of one call. */
export type Condition = (params: Params) => boolean;

type Test = (value: Json) => boolean;

/** Whitespace is single-line; the path is names joined by dots. */
const SHAPE =
  /^(every )?([A-Za-z_][A-Za-z0-9_]{0,63}(?:\.[A-Za-z_][A-Za-z0-9_]{0,63}){0,7}) (exists|missing|(not in|in|not matches|matches|>=|<=|!=|=|>|<) (.{1,2000}))$/;

export const CONDITION_FORMS =
  'NAME OP VALUE with OP one of = != > >= < <= in, not in, matches, not matches; NAME exists; NAME missing';

const order = (holds: (a: number, b: number) => boolean, wanted: Json): Test | null =>
  typeof wanted === 'number' ? (value) => typeof value === 'number' && holds(value, wanted) : null;

const membership = (wanted: Json): Test | null => {
  if (!Array.isArray(wanted)) return null;
  const list = wanted as readonly Json[];
  return (value) => list.some((one) => isDeepEqual(one, value));
};

const pattern = (wanted: Json): Test | null => {
  if (typeof wanted !== 'string' || wanted.length > 256) return null;
  const matches = compileGlob(wanted);
  return (value) => typeof value === 'string' && matches(value);
};

const negated = (test: Test | null): Test | null => (test === null ? null : (value) => !test(value));

const TESTS: Readonly<Record<string, (wanted: Json) => Test | null>> = {
  '=': (wanted) => (value) => isDeepEqual(value, wanted),
  '!=': (wanted) => (value) => !isDeepEqual(value, wanted),
  '>': (wanted) => order((a, b) => a > b, wanted),
  '>=': (wanted) => order((a, b) => a >= b, wanted),
  '<': (wanted) => order((a, b) => a < b, wanted),
  '<=': (wanted) => order((a, b) => a <= b, wanted),
  in: membership,
  'not in': (wanted) => negated(membership(wanted)),
  matches: pattern,
  'not matches': (wanted) => negated(pattern(wanted)),
};

const valueAt = (params: Params, path: readonly string[]): Json | undefined => {
  let value: Json | undefined = params;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) return undefined;
    value = (value as Readonly<Record<string, Json>>)[name];
  }
  return value;
};

const onItems = (test: Test, isEvery: boolean): ((value: Json) => boolean) => {
  return (value) => {
    if (!Array.isArray(value)) return test(value);
    const items = value as readonly Json[];
    return isEvery ? items.length > 0 && items.every(test) : items.some(test);
  };
};

const parseValue = (text: string): Json | undefined => {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
};

/** @returns null where the text is no condition. */
export const compileCondition = (text: string): Condition | null => {
  const [, every, path, rest, operator, literal] = SHAPE.exec(text) ?? [];
  if (path === undefined) return null;
  const names = path.split('.');
  if (operator === undefined || literal === undefined)
    return every === undefined ? (params) => (valueAt(params, names) !== undefined) === (rest === 'exists') : null;
  const wanted = parseValue(literal);
  const test = wanted === undefined ? null : (TESTS[operator]?.(wanted) ?? null);
  if (test === null) return null;
  const holds = onItems(test, every !== undefined);
  return (params) => {
    const value = valueAt(params, names);
    return value !== undefined && holds(value);
  };
};
