/** Where results, charts and page are, and how they get there. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CHARTS, drawChart } from './charts.js';
import { drawPage } from './page.js';
import { NO_RESULTS, parseResults, resultsText, withRun, type Results, type Run } from './results.js';

/** Of the checkout, seen from bench/dist/report. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PAGE = join(ROOT, 'docs/benchmarks.md');
const CHARTS_DIR = join(ROOT, 'docs/benchmarks');
const RESULTS = join(CHARTS_DIR, 'results.json');

/** Renamed into place: whoever stops the command finds the old file or the new one. */
const replace = (path: string, text: string): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
};

export const readResults = (): Results => (existsSync(RESULTS) ? parseResults(readFileSync(RESULTS, 'utf8')) : NO_RESULTS);

const chartPath = (name: string): string => join(CHARTS_DIR, `${name}.svg`);

/** Path to text of everything that is drawn from results. */
export const drawAll = (results: Results): ReadonlyMap<string, string> => {
  const charts = CHARTS.flatMap((name): [string, string][] => {
    const svg = drawChart(name, results);
    return svg === null ? [] : [[chartPath(name), svg]];
  });
  return new Map([...charts, [PAGE, drawPage(readFileSync(PAGE, 'utf8'), results)]]);
};

/** Charts and page from the results that are there; a chart whose figures are gone goes too. */
export const writeReport = (): void => {
  const drawn = drawAll(readResults());
  for (const [path, text] of drawn) replace(path, text);
  for (const path of CHARTS.map(chartPath)) if (!drawn.has(path)) rmSync(path, { force: true });
};

/** Keeps a run. What is there is read again: another may have been written meanwhile. */
export const keepRun = (name: string, run: Run): void => replace(RESULTS, resultsText(withRun(readResults(), name, run)));
