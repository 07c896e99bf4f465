/**
 * What two sets of constraints allow together (docs/spec/lease.md): the one intersection that leases, gateway and cell use.
 *
 * LEASE-7  never more than either; a key of which no intersection is known is for the caller to refuse.
 */
import type { Json } from './canonical.js';

type Members = Readonly<Record<string, Json>>;
type Meet = (a: Json, b: Json) => Json;

const both: Meet = (a, b) =>
  Array.isArray(a) && Array.isArray(b) ? (a as Json[]).filter((item) => (b as Json[]).includes(item)) : [];
const isLater = (a: Json, b: Json): boolean => typeof a === 'string' && typeof b === 'string' && a > b;
const later: Meet = (a, b) => (isLater(a, b) ? a : b);
const earlier: Meet = (a, b) => (isLater(a, b) ? b : a);
const smaller: Meet = (a, b) => Math.min(Number(a), Number(b));

const MEETS = new Map<string, Meet>([
  ['folders', both],
  ['domains', both],
  ['senders', both],
  ['calendars', both],
  ['since', later],
  ['before', earlier],
  ['maxResults', smaller],
  ['maxRisk', smaller],
]);

/** Whether two values of this key have an intersection. */
export const isIntersectable = (key: string): boolean => MEETS.has(key);

/** Keys of one side stay; of those on both sides what both allow, and of an unknown key the value of `a`. Lists in the order of `a`. */
export const intersectConstraints = (a: Members, b: Members): Members => {
  const shared = Object.keys(a).filter((key) => Object.hasOwn(b, key));
  const met = shared.map((key) => [key, MEETS.get(key)?.(a[key] ?? null, b[key] ?? null) ?? a[key] ?? null] as const);
  return { ...b, ...a, ...Object.fromEntries(met) };
};

/** The limit of a policy or person (0 to 1) as leases have it: thousandths, rounded down, so that it never allows more. */
export const riskThousandths = (risk: number): number => Math.floor(risk * 1000);

/**
 * Whether a score is within `maxRisk` of the constraints; one that is no number of thousandths allows nothing (fail closed).
 * @param risk 0 to 1
 */
export const isRiskAllowed = ({ maxRisk }: Members, risk: number): boolean =>
  maxRisk === undefined || (typeof maxRisk === 'number' && Number.isSafeInteger(maxRisk) && risk * 1000 <= maxRisk);
