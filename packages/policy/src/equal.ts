/** Whether two JSON values are the same, without conversion. */
import type { Json } from '@airlock/protocol';

const isObject = (value: Json | undefined): value is Readonly<Record<string, Json>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const sameMembers = (a: Readonly<Record<string, Json>>, b: Readonly<Record<string, Json>>): boolean => {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && isDeepEqual(a[name], b[name]));
};

export const isDeepEqual = (a: Json | undefined, b: Json | undefined): boolean => {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    const [left, right] = [a as readonly Json[], b as readonly Json[]];
    return left.length === right.length && left.every((one, index) => isDeepEqual(one, right[index]));
  }
  return isObject(a) && isObject(b) && sameMembers(a, b);
};
