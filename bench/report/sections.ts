/** The parts of docs/benchmarks.md that the command writes: tables, charts, where figures come from. Pure. */
import { CHARTS, drawChart } from './charts.js';
import { figureOf, provenance, type Results } from './results.js';
import { measuredOf, measuredText, reachText, ROWS, verdictOf, type Row } from './rows.js';
import { numeral } from './scale.js';

const NOT_YET = 'not measured';
/** Branches of all packages together that may be left. */
const EXCEPTIONS = 5;

const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const chart = (name: string, results: Results): string[] =>
  drawChart(name, results) === null ? [] : [`![${name}: the figures below as a chart](benchmarks/${name}.svg)`];

const commandOf = ({ figures }: Row): string => {
  const run = figures[0]?.[0] ?? '';
  return `\`npm run bench -- ${run === 'mailbox-full' ? 'mailbox --full' : run}\``;
};

const measuredCell = (row: Row, results: Results): string => {
  const measured = measuredOf(row, results);
  return measured === null ? NOT_YET : measuredText(row, measured);
};

const verdictCell = (row: Row, results: Results): string => {
  const verdict = verdictOf(row, results);
  return verdict === 'missed' ? '**missed**' : verdict;
};

const summary = (results: Results): string => {
  const verdicts = ROWS.map((row) => verdictOf(row, results));
  const count = (verdict: string): number => verdicts.filter((one) => one === verdict).length;
  const rows = ROWS.map((row) => [
    ...[row.what, row.baseline, reachText(row), measuredCell(row, results), verdictCell(row, results), commandOf(row)],
  ]);
  return [
    ...chart('reach', results),
    `Of ${ROWS.length} figures ${count('reached')} are reached, ${count('missed')} missed, ${count('not measured')} not measured.`,
    table(['what', 'baseline in the same run', 'reach', 'measured', '', 'command'], rows),
  ].join('\n\n');
};

type Detail = readonly [what: string, path: string, unit: string];

/** What is measured beside the figures that are to be reached. */
const DETAILS: Readonly<Record<string, readonly Detail[]>> = {
  call: [
    ['one connection: governed', 'sequential.governedPerS', '/s'],
    ['one connection: bare echo', 'sequential.barePerS', '/s'],
    ['16 connections: governed', 'connections16.governedPerS', '/s'],
    ['16 connections: bare echo', 'connections16.barePerS', '/s'],
    ['new connection for each call, bare echo, p50', 'newConnectionPerCall.bareP50Us', ' µs'],
    ['the same, 16 clients, bare echo', 'newConnection16.barePerS', '/s'],
    ['processor time of a call: gateway', 'cpuUsPerCall.gateway', ' µs'],
    ['processor time of a call: cell', 'cpuUsPerCall.cell', ' µs'],
  ],
  growth: [
    ['p50 with one lease and one connection', 'leases.smallP50Us', ' µs'],
    ['p50 with 1,000 leases', 'leases.largeP50Us', ' µs'],
    ['p50 over 1,000 connections', 'connections.largeP50Us', ' µs'],
  ],
  lease: [
    ['one HMAC over the same bytes', 'hmacP50Us', ' µs'],
    ['a lease with two caveats', 'verifyNarrowedP50Us', ' µs'],
  ],
  policy: [
    ['a plain loop over 1,000 rules', 'sizes.2.naiveP50Us', ' µs'],
    ['p50 with 10 rules', 'sizes.0.p50Us', ' µs'],
    ['p50 with 10,000 rules', 'sizes.3.p50Us', ' µs'],
    ['first decision of an operation with 10,000 rules', 'sizes.3.firstUs', ' µs'],
    ['compiling 10,000 rules', 'sizes.3.compileMs', ' ms'],
  ],
  guard: [
    ['JSON there and back, 2 KB', 'sizes.0.jsonUs', ' µs'],
    ['credential masked, 2 KB', 'sizes.0.maskUs', ' µs'],
    ['secrets of others masked, 2 KB', 'sizes.0.redactUs', ' µs'],
    ['scored, 2 KB', 'sizes.0.scoreUs', ' µs'],
    ['all of it, 1 MB', 'sizes.1.allUs', ' µs'],
    ['JSON there and back, 1 MB', 'sizes.1.jsonUs', ' µs'],
  ],
  audit: [
    ['append, p50', 'p50Ms', ' ms'],
    ['one fdatasync a record', 'baselinePerS', '/s'],
    ['verify, worst of the runs', 'verifyWorstPerS', '/s'],
    ['verify, by processor time', 'verifyPerCpuS', '/s'],
  ],
  start: [
    ['Node alone', 'bareNodeMs', ' ms'],
    ['`airlock-ctl status`', 'ctlStatusMs', ' ms'],
  ],
  mailbox: [
    ['messages', 'messages', ''],
    ['newest 50: against the bare client', 'newest50.ratio', ' ×'],
    ['search by sender: against the bare client', 'searchSender.ratio', ' ×'],
    ['search unread: against the bare client', 'searchUnread.ratio', ' ×'],
    ['count unread: against the bare client', 'count.ratio', ' ×'],
    ['memory of the cell before', 'cellMb.before', ' MB'],
    ['memory of the cell after 40 lists', 'cellMb.afterManyLists', ' MB'],
  ],
  calendar: [
    ['ical.js alone reads the file', 'ical.parseMs', ' ms'],
    ['first call', 'connector.firstMs', ' ms'],
    ['first call against ical.js alone', 'firstRatio', ' ×'],
    ['today', 'connector.today.ms', ' ms'],
    ['upcoming', 'connector.upcoming.ms', ' ms'],
    ['range', 'connector.range.ms', ' ms'],
    ['search', 'connector.search.ms', ' ms'],
    ['memory after all of them', 'connector.rssMb', ' MB'],
    ['memory of ical.js alone', 'ical.rssMb', ' MB'],
  ],
  mcp: [
    ['2025-11-25, 50 tools: added to a call', 'figures.0.addedUs', ' µs'],
    ['2026-07-28, 50 tools: added to a call', 'figures.1.addedUs', ' µs'],
    ['2025-11-25, 5,000 tools: added to a call', 'figures.2.addedUs', ' µs'],
    ['2026-07-28, 5,000 tools: added to a call', 'figures.3.addedUs', ' µs'],
    ['added with 5,000 tools, times that with 50', 'manyToFew', ' ×'],
  ],
};

const LESS_SHOWN: Readonly<Record<string, readonly string[]>> = {
  lease: ['cost'],
  policy: ['policy'],
  start: ['start', 'memory'],
};

/** Charts that a section shows: its own, or those of the list. */
const chartsOf = (name: string): readonly string[] => LESS_SHOWN[name] ?? (CHARTS.includes(name) ? [name] : []);

const detailRows = (name: string, results: Results): string[][] =>
  (DETAILS[name.replace(/-full$/, '')] ?? []).map(([what, path, unit]) => {
    const found = figureOf(results, name, path);
    return [what, '–', found === null ? NOT_YET : `${numeral(found)}${unit}`, '–'];
  });

const reachRows = (name: string, results: Results): string[][] =>
  ROWS.filter(({ figures }) => figures[0]?.[0] === name).map((row) => [
    ...[row.what, reachText(row), measuredCell(row, results), verdictCell(row, results)],
  ]);

const section = (name: string, results: Results): string => {
  const run = results.runs[name];
  const rows = [...reachRows(name, results), ...detailRows(name, results)];
  return [
    run === undefined ? `Not measured yet: \`npm run bench -- ${name} --write\`.` : provenance(run),
    ...chartsOf(name).flatMap((one) => chart(one, results)),
    table(['what', 'reach', 'measured', ''], rows),
  ].join('\n\n');
};

/** Sections by the name in their markers. */
export const SECTIONS: readonly string[] = ['summary', ...Object.keys(DETAILS), 'mailbox-full', 'coverage'];

interface Branches {
  readonly branches: number;
  readonly open: number;
  readonly defaults: number;
  readonly percent: number;
}

const coverage = (results: Results): string => {
  const run = results.runs['coverage'];
  if (run === undefined) return 'Not measured yet: `npm run coverage -- --write`.';
  const figures = Object.entries(run.figures as Readonly<Record<string, Branches>>);
  const open = figures.reduce((sum, [, one]) => sum + one.open, 0);
  const rows = figures.map(([name, one]) => [
    ...[name, numeral(one.branches), numeral(one.open), numeral(one.defaults), `${one.percent.toFixed(1)} %`],
  ]);
  return [
    provenance(run),
    `${numeral(open)} branches are not covered, at most ${EXCEPTIONS} were to be: ${open <= EXCEPTIONS ? 'reached' : '**missed**'}.`,
    table(['package', 'branches', 'not covered', 'of these right sides of `??`', 'covered'], rows),
  ].join('\n\n');
};

export const drawSection = (name: string, results: Results): string => {
  if (name === 'summary') return summary(results);
  return name === 'coverage' ? coverage(results) : section(name, results);
};
