/**
 * Which lines of the logs an export takes along. Pure.
 *
 * EXPORT-2  a line is taken for what it says of the session or lease that was asked for, never for standing nearby.
 */

/** What was asked for; with several, a line must meet all of them. */
export interface Wanted {
  readonly session?: string;
  readonly lease?: string;
  readonly sinceMs?: number;
  readonly untilMs?: number;
}

interface Facts {
  readonly event?: unknown;
  readonly ts?: unknown;
  readonly session?: unknown;
  readonly lease?: unknown;
  readonly request?: unknown;
}

/** Ids by which lines belong to what was asked for. */
export interface Kin {
  readonly sessions: Set<string>;
  readonly leases: Set<string>;
  readonly requests: Set<string>;
}

export const newKin = ({ session, lease }: Wanted): Kin => ({
  sessions: new Set(session === undefined ? [] : [session]),
  leases: new Set(lease === undefined ? [] : [lease]),
  requests: new Set(),
});

const parse = (line: string): Facts => {
  try {
    return JSON.parse(line) as Facts;
  } catch {
    return {};
  }
};

const add = (to: Set<string>, id: unknown): void => {
  if (typeof id === 'string') to.add(id);
};

/** First reading: the leases and requests of the session, or the request that led to the lease. */
export const learn = (kin: Kin, wanted: Wanted, line: string): void => {
  const { session, lease, request } = parse(line);
  if (wanted.session !== undefined && session === wanted.session) {
    add(kin.leases, lease);
    add(kin.requests, request);
  }
  if (wanted.lease !== undefined && lease === wanted.lease) add(kin.requests, request);
};

const has = (ids: Set<string>, id: unknown): boolean => typeof id === 'string' && ids.has(id);

const isKin = (kin: Kin, wanted: Wanted, { session, lease, request }: Facts): boolean => {
  // A line that names a session is of that session alone, whatever else it names.
  if (wanted.session !== undefined)
    return typeof session === 'string' ? session === wanted.session : has(kin.leases, lease) || has(kin.requests, request);
  return typeof lease === 'string' ? lease === wanted.lease : has(kin.requests, request);
};

/** Second reading. */
export const isTaken = (kin: Kin, wanted: Wanted, line: string): boolean => {
  const facts = parse(line);
  const atMs = typeof facts.ts === 'string' ? Date.parse(facts.ts) : NaN;
  if (wanted.sinceMs !== undefined && !(atMs >= wanted.sinceMs)) return false;
  if (wanted.untilMs !== undefined && !(atMs <= wanted.untilMs)) return false;
  return wanted.session === undefined && wanted.lease === undefined ? true : isKin(kin, wanted, facts);
};
