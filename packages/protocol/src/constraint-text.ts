/** `--constraint key=value`: what narrows a lease by the arguments and results of its operations (docs/spec/lease.md). */
import type { Json } from './canonical.js';
import { AirlockError } from './errors.js';

/** Keys whose value is a list; commas separate, and the key may be given again. */
const LISTS: ReadonlySet<string> = new Set(['folders', 'domains', 'senders', 'calendars']);
const PAIR = /^([A-Za-z][A-Za-z0-9_]{0,63})=(.+)$/s;

const scalar = (text: string): Json => (/^[0-9]{1,12}$/.test(text) ? Number(text) : text);

/** @throws AirlockError PARAMS_INVALID for what is no `key=value`; which keys there are is the gateway's to say. */
export const parseConstraints = (pairs: readonly string[]): Readonly<Record<string, Json>> => {
  const constraints = new Map<string, Json>();
  for (const pair of pairs) {
    const [, key, value] = PAIR.exec(pair) ?? [];
    if (key === undefined || value === undefined) {
      throw new AirlockError('PARAMS_INVALID', '--constraint: expected key=value', {
        field: '--constraint',
        expected: 'key=value',
        hint: 'write for example: --constraint folders=INBOX,Archive',
      });
    }
    const before = constraints.get(key);
    constraints.set(
      key,
      LISTS.has(key) ? [...(Array.isArray(before) ? (before as Json[]) : []), ...value.split(',')] : scalar(value),
    );
  }
  return Object.fromEntries(constraints);
};
