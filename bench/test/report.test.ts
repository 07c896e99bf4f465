/** docs/benchmarks.md and its charts are what the command makes of results.json, and each row says the truth about its figure. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { BENCHES, wishOf } from '../main.js';
import { CHARTS } from '../report/charts.js';
import { drawAll, readResults, ROOT } from '../report/files.js';
import { drawPage } from '../report/page.js';
import { figureOf, NO_RESULTS, parseResults, resultsText, withRun, type Results, type Run } from '../report/results.js';
import { isReached, measuredOf, ROWS, timesBetter, verdictOf } from '../report/rows.js';
import { SECTIONS } from '../report/sections.js';

const page = readFileSync(join(ROOT, 'docs/benchmarks.md'), 'utf8');
const results = readResults();

/** What is to be reached, as it was agreed; in this order. */
const AGREED = [
  'call-1 ≥ 0.5 ×',
  'call-16 ≥ 0.45 ×',
  'fresh-p50 < 369 µs',
  'fresh-1 > 2479 /s',
  'fresh-16 > 5654 /s',
  'lease ≤ 15 µs',
  'policy ≤ 10 µs',
  'guard ≤ 80 µs',
  'append ≥ 20000 /s',
  'append-p99 ≤ 10 ms',
  'verify ≥ 300000 /s',
  'leases ≤ 1.3 ×',
  'connections ≤ 1.3 ×',
  'rules ≤ 1.3 ×',
  'mailbox ≤ 1.5 ×',
  'mailbox-memory ≤ 1.05 ×',
  'mail ≤ 1000 ms',
  'totp-start ≤ 300 ms',
  'gateway-start ≤ 300 ms',
  'cell-start ≤ 150 ms',
  'totp-mb ≤ 60 MB',
  'gateway-mb ≤ 90 MB',
  'cell-mb ≤ 70 MB',
];

t.test('every figure that was agreed has its row, with the aim it was given', async (t) => {
  t.same(
    ROWS.map(({ id, sign, reach, unit }) => `${id} ${sign} ${reach} ${unit}`),
    AGREED,
  );
  for (const { id, figures } of ROWS) t.ok(figures.length > 0, `${id} is measured by something`);
});

t.test('page and charts are what the report makes of the results', async (t) => {
  for (const [path, text] of drawAll(results)) t.equal(readFileSync(path, 'utf8'), text, path);
  const files = readdirSync(join(ROOT, 'docs/benchmarks')).filter((name) => name.endsWith('.svg'));
  const drawn = [...drawAll(results).keys()].map((path) => path.split('/').at(-1)).filter((name) => name?.endsWith('.svg'));
  t.same(files.sort(), drawn.sort(), 'no chart is left of figures that went');
  t.not(drawPage(page, withRun(results, 'lease', { ...RUN, figures: { verifyP50Us: 1 } })), page, 'negative control');
});

t.test('each chart stands on the page and on disk', async (t) => {
  for (const [, name = ''] of page.matchAll(/\]\(benchmarks\/([a-z-]+)\.svg\)/g)) {
    t.ok(CHARTS.includes(name), name);
    t.ok(existsSync(join(ROOT, `docs/benchmarks/${name}.svg`)), name);
  }
});

interface Told {
  readonly reach: string;
  readonly measured: string;
  readonly verdict: string;
}

/** The table as a reader sees it. */
const toldBy = (text: string): Told[] => {
  const [, summary = ''] = /<!-- bench:summary -->([\s\S]*?)<!-- \/bench -->/.exec(text) ?? [];
  return [...summary.matchAll(/^\| .*/gm)]
    .slice(2)
    .map(([row]) => row.split(' | '))
    .map(([, , reach = '', measured = '', verdict = '']) => ({ reach, measured, verdict: verdict.replace(/\*/g, '') }));
};

/** By the words on the page alone, with an arithmetic of its own. */
const isTrue = ({ reach, measured, verdict }: Told): boolean => {
  if (measured === 'not measured') return verdict === 'not measured';
  const [aim, found] = [reach, measured].map((one) => Number(/[\d.,]+/.exec(one)?.[0].replace(/,/g, '')));
  if (aim === undefined || found === undefined || Number.isNaN(aim + found)) return false;
  const isMet = { '≥': found >= aim, '>': found > aim, '≤': found <= aim, '<': found < aim }[reach.slice(0, 1)];
  return isMet !== undefined && (isMet ? 'reached' : 'missed') === verdict;
};

t.test('reached and missed are said as the figures have them', async (t) => {
  const told = toldBy(page);
  t.equal(told.length, ROWS.length);
  for (const one of told) t.ok(isTrue(one), JSON.stringify(one));
  t.notOk(isTrue({ reach: '≤ 15 µs', measured: '15.1 µs', verdict: 'reached' }), 'negative control');
  t.notOk(isTrue({ reach: '≥ 20,000/s', measured: '20,000/s', verdict: 'missed' }), 'negative control');
});

const RUN: Run = {
  ...{ date: '2026-11-01T00:00:00.000Z', command: 'npm run bench -- x', node: 'v20.0.0', cpu: 'A', cores: 2, memoryGb: 8 },
  ...{ load: [0.1, 1.5], seconds: 3, figures: {} },
};

t.test('the edges of each sign, and the worst of several', async (t) => {
  const edge = (sign: '≥' | '>' | '≤' | '<'): boolean[] => [9, 10, 11].map((found) => isReached({ sign, reach: 10 }, found));
  t.same(edge('≥'), [false, true, true]);
  t.same(edge('>'), [false, false, true]);
  t.same(edge('≤'), [true, true, false]);
  t.same(edge('<'), [true, false, false]);
  t.equal(timesBetter({ sign: '≥', reach: 10 }, 5), 0.5);
  t.equal(timesBetter({ sign: '<', reach: 10 }, 5), 2);
  const row = ROWS.find(({ id }) => id === 'gateway-mb');
  if (!row) return t.fail('no such row');
  const call = withRun(NO_RESULTS, 'call', { ...RUN, figures: { memoryMb: { gateway: 89 } } });
  t.equal(verdictOf(row, call), 'not measured', 'one of two is not enough');
  const both = withRun(call, 'start', { ...RUN, figures: { memoryMb: { gateway: 91 } } });
  t.equal(measuredOf(row, both), 91);
  t.equal(verdictOf(row, both), 'missed');
});

t.test('without results nothing is claimed', async (t) => {
  for (const row of ROWS) t.equal(verdictOf(row, NO_RESULTS), 'not measured', row.id);
  const empty = drawPage(page, NO_RESULTS);
  t.match(empty, `0 are reached, 0 missed, ${ROWS.length} not measured`);
  t.notMatch(empty, /\.svg\)(?<!reach\.svg\))/, 'and no chart is shown of it');
  t.equal(drawPage(empty, results), page, 'and it is drawn again');
});

t.test('markers that are missing, twice or unknown are named', async (t) => {
  t.throws(() => drawPage(page.replace('<!-- bench:call -->', ''), results), /call 0 times/);
  t.throws(() => drawPage(`${page}\n<!-- bench:call -->\n<!-- /bench -->\n`, results), /call 2 times/);
  t.throws(() => drawPage(`${page}\n<!-- bench:more -->\n<!-- /bench -->\n`, results), /more 1 times/);
});

t.test('results that are half or strange are not drawn', async (t) => {
  t.strictSame(parseResults(resultsText(results)), results);
  t.throws(() => parseResults('{"format":2,"runs":{}}'), /format 2, allowed: 1/);
  t.throws(() => parseResults('{"format":1,"runs":{"call":{"date":"x"}}}'), /the run call is not whole/);
  t.throws(() => parseResults('{"format":1'), SyntaxError);
  const one: Results = withRun(NO_RESULTS, 'x', { ...RUN, figures: { a: [{ b: 3 }], c: 'text' } });
  t.same(
    ['a.0.b', 'a.1.b', 'c', 'd.e'].map((path) => figureOf(one, 'x', path)),
    [3, null, null, null],
  );
});

t.test('each benchmark has a section, and each run one', async (t) => {
  for (const name of [...BENCHES, 'summary', 'mailbox-full', 'coverage']) t.ok(SECTIONS.includes(name), name);
  for (const name of Object.keys(results.runs)) t.ok(SECTIONS.includes(name), `${name} is shown`);
});

t.test('what the arguments ask for', async (t) => {
  t.same(wishOf([]), { what: 'all', full: false });
  t.same(wishOf(['--full']), { what: 'all', full: true });
  t.same(wishOf(['call', '--write']), { what: 'one', name: 'call', full: false, write: true });
  t.same(wishOf(['mailbox', '--full']), { what: 'one', name: 'mailbox', full: true, write: false });
  t.same(wishOf(['report']), { what: 'report' });
  for (const args of [['nothing'], ['call', 'lease'], ['--fast'], ['call', '--full'], ['report', '--write'], ['../call']])
    t.match(wishOf(args), { what: 'wrong' }, args.join(' '));
});

t.test('commands of the table of reliability are there', async (t) => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
  const [, table = ''] = /## Reliability and security([\s\S]*?)### Branches/.exec(page) ?? [];
  const rows = [...table.matchAll(/^\| .*/gm)].slice(2).map(([row]) => row);
  t.ok(rows.length >= 15, `${rows.length} rows`);
  for (const row of rows) {
    t.match(row, /`(?:npm |sudo airlock-ctl )/, 'each has a command');
    for (const [, script = ''] of row.matchAll(/npm run ([a-z:]+)/g)) t.ok(script in scripts, script);
    for (const [file] of row.matchAll(/[\w/-]+\.test\.js/g))
      t.ok(existsSync(join(ROOT, file.replace('/dist/', '/').replace(/js$/, 'ts'))), file);
  }
});
