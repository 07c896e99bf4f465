/**
 * Constraints: what narrows the operations of a lease by their arguments (docs/spec/lease.md).
 *
 * LEASE-8  an unknown constraint key fails: a limit that nobody enforces would be a promise to the human.
 */
import { AirlockError, intersectConstraints } from '@airlock/protocol';

/** Lists are sorted and unique; an empty list allows nothing, an absent key everything. */
export interface LeaseConstraints {
  /** Folder names, compared exactly. */
  readonly folders?: readonly string[];
  /** Domain names in lower case, compared exactly. */
  readonly domains?: readonly string[];
  /** Sender addresses in lower case, compared exactly. */
  readonly senders?: readonly string[];
  /** Ids of calendars, compared exactly. */
  readonly calendars?: readonly string[];
  /** First day, `YYYY-MM-DD`, UTC, inclusive. */
  readonly since?: string;
  /** First day that is no longer included, `YYYY-MM-DD`, UTC. */
  readonly before?: string;
  /** Most items one call may return, from 1. */
  readonly maxResults?: number;
  /** Highest risk score of a result that is shown, in thousandths: leases hold whole numbers only. */
  readonly maxRisk?: number;
}

const MAX_ITEMS = 64;
const MAX_ITEM_CHARS = 256;
const CONTROL = /\p{Cc}/u;
const DAY_MS = 86_400_000;

const isItem = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= MAX_ITEM_CHARS && value.isWellFormed() && !CONTROL.test(value);
const isDay = (value: unknown): value is string => {
  if (typeof value !== 'string' || !/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(value)) return false;
  const ms = Date.parse(`${value}T00:00:00.000Z`);
  return Number.isSafeInteger(ms / DAY_MS) && new Date(ms).toISOString().startsWith(value);
};

const refuse = (key: string, expected: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', 'a constraint is unknown or malformed', {
    field: `params.constraints.${key.slice(0, 80)}`,
    expected,
  });

const asItems = (key: string, value: unknown, lowerCase: boolean): string[] => {
  if (!Array.isArray(value) || value.length > MAX_ITEMS || !value.every(isItem))
    throw refuse(key, `a list of at most ${MAX_ITEMS} texts of 1 to ${MAX_ITEM_CHARS} characters`);
  const items = lowerCase ? value.map((item) => item.toLowerCase()) : value;
  return [...new Set(items)].sort();
};
const asDay = (key: string, value: unknown): string => {
  if (!isDay(value)) throw refuse(key, 'a day that exists, YYYY-MM-DD');
  return value;
};
const asCount = (key: string, value: unknown): number => {
  if (!Number.isSafeInteger(value) || (value as number) < 1) throw refuse(key, 'a whole number from 1');
  return value as number;
};

const asThousandths = (key: string, value: unknown): number => {
  if (!Number.isSafeInteger(value) || (value as number) < 0 || (value as number) > 1000)
    throw refuse(key, 'thousandths, a whole number from 0 to 1000');
  return value as number;
};

const READERS: { readonly [Key in keyof Required<LeaseConstraints>]: (value: unknown) => Required<LeaseConstraints>[Key] } = {
  folders: (value) => asItems('folders', value, false),
  domains: (value) => asItems('domains', value, true),
  senders: (value) => asItems('senders', value, true),
  calendars: (value) => asItems('calendars', value, false),
  since: (value) => asDay('since', value),
  before: (value) => asDay('before', value),
  maxResults: (value) => asCount('maxResults', value),
  maxRisk: (value) => asThousandths('maxRisk', value),
};
const isKnown = (key: string): key is keyof LeaseConstraints => Object.hasOwn(READERS, key);

/**
 * Brings what an agent or operator wrote into its canonical form: lists sorted and unique, domains and senders in lower case.
 * @throws AirlockError PARAMS_INVALID naming the key, for an unknown one too (LEASE-8).
 */
export const canonicalConstraints = (value: unknown): LeaseConstraints => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse('', 'an object');
  const members = Object.entries(value).map(([key, member]) => {
    if (!isKnown(key)) throw refuse(key, `one of ${Object.keys(READERS).join(', ')}`);
    return [key, READERS[key](member)] as const;
  });
  return Object.fromEntries(members);
};

/** What both allow: never more than either (LEASE-7). */
export const mergeConstraints = (a: LeaseConstraints, b: LeaseConstraints): LeaseConstraints =>
  intersectConstraints({ ...a }, { ...b });
