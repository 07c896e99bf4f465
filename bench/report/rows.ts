/** What is to be reached, row by row, and what was measured of it. Pure. */
import { numeral } from './scale.js';
import { figureOf, type Results } from './results.js';

export type Sign = '≥' | '>' | '≤' | '<';

export interface Row {
  readonly id: string;
  /** Short, for charts. */
  readonly label: string;
  readonly what: string;
  readonly baseline: string;
  readonly sign: Sign;
  readonly reach: number;
  readonly unit: string;
  /** Runs and paths of its figure; of several the worst counts. */
  readonly figures: readonly (readonly [run: string, path: string])[];
}

const NONE = '–';
const ECHO = 'bare JSON-RPC echo through as many sockets, same payload';
const GOVERNED = 'governed call of an operation that does nothing: lease, policy, audit, cell, masking';
const FRESH = 'new connection for each call';
const SAME = 'the small size, same run';

type Short = readonly [id: string, label: string, what: string, baseline: string, reach: string, ...figures: string[]];

/** `≥ 0.5 ×` */
const REACH = /^([≥>≤<]) ([0-9.]+) (.+)$/u;

const rowOf = ([id, label, what, baseline, reach, ...figures]: Short): Row => {
  const [, sign = '', value = '', unit = ''] = REACH.exec(reach) ?? [];
  const paths = figures.map((one): [string, string] => [one.split(' ')[0] ?? '', one.split(' ')[1] ?? '']);
  return { ...{ id, label, what, baseline, unit, figures: paths }, sign: sign as Sign, reach: Number(value) };
};

const SHORT: readonly Short[] = [
  ['call-1', 'call, 1 connection', `${GOVERNED}; one connection, sequential`, ECHO, '≥ 0.5 ×', 'call sequential.ratio'],
  ['call-16', 'call, 16 connections', 'the same, 16 connections', ECHO, '≥ 0.45 ×', 'call connections16.ratio'],
  ['fresh-p50', 'new connection, p50', `${FRESH}, p50`, NONE, '< 369 µs', 'call newConnectionPerCall.p50Us'],
  ['fresh-1', 'new connection, 1 client', `${FRESH}, one client`, NONE, '> 2479 /s', 'call newConnectionPerCall.perS'],
  ['fresh-16', 'new connection, 16 clients', `${FRESH}, 16 clients`, NONE, '> 5654 /s', 'call newConnection16.governedPerS'],
  ['lease', 'lease verify', 'lease verify (300 B), p50', 'one HMAC over the same bytes', '≤ 15 µs', 'lease verifyP50Us'],
  ['policy', 'policy, 1,000 rules', 'policy decision with 1,000 rules, p50', 'a plain loop', '≤ 10 µs', 'policy sizes.2.p50Us'],
  [
    'guard',
    'masking, 2 KB',
    'argument check and masking of a 2 KB result',
    'JSON there and back',
    '≤ 80 µs',
    'guard sizes.0.checkAndMaskUs',
  ],
  ['append', 'audit append', 'audit append, 64 writers, durable', 'fdatasync per record', '≥ 20000 /s', 'audit appendPerS'],
  ['append-p99', 'audit append, p99', 'the same, p99', NONE, '≤ 10 ms', 'audit p99Ms'],
  ['verify', 'audit verify', 'audit verify, duplicate keys detected', NONE, '≥ 300000 /s', 'audit verifyPerS'],
  ['leases', '1 → 1,000 leases', 'growth: 1 → 1,000 leases, at most 8 cells live, p50', SAME, '≤ 1.3 ×', 'growth leases.ratio'],
  ['connections', '1 → 1,000 connections', 'growth: 1 → 1,000 connections, p50', SAME, '≤ 1.3 ×', 'growth connections.ratio'],
  ['rules', '10 → 10,000 rules', 'growth: 10 → 10,000 rules, p50 of the decision', SAME, '≤ 1.3 ×', 'policy growth'],
  [
    ...(['mailbox', '50 newest of 200,000'] as const),
    ...(['list 50 newest of a 200,000-message mailbox (Dovecot)', 'a bare IMAP client doing the same'] as const),
    ...(['≤ 1.5 ×', 'mailbox-full newest50.ratio'] as const),
  ],
  [
    ...(['mailbox-memory', 'cell after 40 lists'] as const),
    ...(['the same, memory of the cell flat over 40 lists', 'before them'] as const),
    ...(['≤ 1.05 ×', 'mailbox-full cellMb.ratio', 'mailbox cellMb.ratio'] as const),
  ],
  ['mail', 'approval → mail', 'approve → first byte of mail', NONE, '≤ 1000 ms', 'start approveToFirstMailMs.p50'],
  ['totp-start', 'start of airlock-totp', 'airlock-totp ready', NONE, '≤ 300 ms', 'start readyMs.totp'],
  ['gateway-start', 'start of airlock-gateway', 'airlock-gateway ready', NONE, '≤ 300 ms', 'start readyMs.gateway'],
  ['cell-start', 'start of a cell', 'cell loaded, opened ahead at approval', NONE, '≤ 150 ms', 'start cellLoadMs.p50'],
  ['totp-mb', 'memory, airlock-totp', 'memory of airlock-totp', NONE, '≤ 60 MB', 'call memoryMb.totp', 'start memoryMb.totp'],
  [
    ...(['gateway-mb', 'memory, airlock-gateway', 'memory of airlock-gateway', NONE] as const),
    ...(['≤ 90 MB', 'call memoryMb.gateway', 'start memoryMb.gateway'] as const),
  ],
  ['cell-mb', 'memory, cell', 'memory of a cell', NONE, '≤ 70 MB', 'call memoryMb.cell', 'start memoryMb.cell'],
];

/** The performance table, in its order. */
export const ROWS: readonly Row[] = SHORT.map(rowOf);

/** The worst of what was measured; null where any of it was not. */
export const measuredOf = (row: Row, results: Results): number | null => {
  const found = row.figures.map(([run, path]) => figureOf(results, run, path));
  const known = found.filter((one) => one !== null);
  if (known.length < found.length) return null;
  return row.sign === '≥' || row.sign === '>' ? Math.min(...known) : Math.max(...known);
};

export const isReached = ({ sign, reach }: Pick<Row, 'sign' | 'reach'>, measured: number): boolean => {
  if (sign === '≥') return measured >= reach;
  if (sign === '>') return measured > reach;
  if (sign === '≤') return measured <= reach;
  return measured < reach;
};

/** How many times better than what was to be reached; below 1 is worse. */
export const timesBetter = ({ sign, reach }: Pick<Row, 'sign' | 'reach'>, measured: number): number =>
  sign === '≥' || sign === '>' ? measured / reach : reach / measured;

const withUnit = (value: number, unit: string): string =>
  unit.startsWith('/') ? `${numeral(value)}${unit}` : `${numeral(value)} ${unit}`;

export const reachText = ({ sign, reach, unit }: Row): string => `${sign} ${withUnit(reach, unit)}`;

export const measuredText = ({ unit }: Row, measured: number): string => withUnit(measured, unit);

/** One line of a table. */
export const verdictOf = (row: Row, results: Results): 'reached' | 'missed' | 'not measured' => {
  const measured = measuredOf(row, results);
  return measured === null ? 'not measured' : isReached(row, measured) ? 'reached' : 'missed';
};
