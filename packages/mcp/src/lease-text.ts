/**
 * Lease texts: where one may stand, and that none leaves.
 *
 * MCP-3 no tool answers with a lease text, whatever a service, a gateway or an agent put there.
 * MCP-9 a lease text among the parameters of an operation is refused before it leaves the process.
 */
import { AirlockError } from '@airlock/protocol';

/** `al1.` and a payload (LEASE-1); the payload of a real one has more than a hundred characters. */
const LEASE = /(?<![A-Za-z0-9])al1\.[A-Za-z0-9_-]{24,}(?:\.[A-Za-z0-9_-]*)*/g;
const HINT = 'al1.';
const MARK = '[masked lease]';
/** Deeper than any frame (32). */
const MAX_DEPTH = 64;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;

const hideIn = (text: string): string => (text.includes(HINT) ? text.replace(LEASE, MARK) : text);

/** The value without lease texts; the same object where it has none. Deeper than any answer can be, it is left out. */
export const hideLeases = <T>(value: T, depth = 0): T => {
  if (typeof value === 'string') return hideIn(value) as T;
  if (!isObject(value)) return value;
  if (depth > MAX_DEPTH) return null as T;
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => hideLeases(item, depth + 1));
    return items.some((item, index) => item !== value[index]) ? (items as T) : value;
  }
  const before = Object.entries(value);
  const after = before.map(([key, member]) => [hideIn(key), hideLeases(member, depth + 1)] as const);
  const isSame = after.every(([key, member], index) => key === before[index]?.[0] && member === before[index][1]);
  return isSame ? value : (Object.fromEntries(after) as T);
};

/** True for a text that has the form of a lease; only the gateway verifies it. */
export const isLeaseText = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= 8192 && /^al1(?:\.[A-Za-z0-9_-]+){2,}$/.test(value);

const pathOf = (value: unknown, path: readonly string[]): readonly string[] | null => {
  if (typeof value === 'string') return hideIn(value) === value ? null : path;
  if (!isObject(value) || path.length > MAX_DEPTH) return null;
  for (const [key, member] of Object.entries(value)) {
    if (hideIn(key) !== key) return path;
    const found = pathOf(member, [...path, key]);
    if (found !== null) return found;
  }
  return null;
};

/** MCP-9. @throws AirlockError PARAMS_INVALID naming the field, never its value. */
export const refuseLeases = (args: Readonly<Record<string, unknown>>): void => {
  const path = pathOf(args, []);
  if (path === null) return;
  throw new AirlockError('PARAMS_INVALID', 'a lease text stands where it would be passed on', {
    field: path.length === 0 ? 'the name of a field' : path.join('.').slice(0, 80),
    expected: 'no lease text',
    hint: 'a lease goes into _capability, beside the parameters, and nowhere else',
  });
};
