/** Charts as text: the same for the same figures, whole, nothing fetched, nothing run, words escaped. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { barChart, type BarChart } from '../report/bar-chart.js';
import { ROOT } from '../report/files.js';
import { lineChart, type LineChart } from '../report/line-chart.js';
import { reachChart } from '../report/reach-chart.js';
import { linearScale, logScale, numeral } from '../report/scale.js';

const BARS: BarChart = {
  ...{ title: 'Bars <of> & "all"', description: 'two groups', axis: 'ms', scale: 'linear' },
  legend: { bare: 'baseline', own: 'Airlock' },
  groups: [
    {
      ...{ label: 'first', note: 'a note', reach: { value: 30, text: '≤ 30 · missed', isReached: false } },
      bars: [
        { series: 'bare', value: 12.5 },
        { series: 'own', value: 42 },
      ],
    },
    { label: 'second', bars: [{ series: 'own', value: 7 }] },
  ],
};
const LINES: LineChart = {
  ...{ title: 'Lines', description: 'two lines', xAxis: 'rules', yAxis: 'µs', reach: { value: 10, text: 'reach ≤ 10 µs' } },
  lines: [
    { series: 'bare', name: 'plain', points: [10, 100, 1000].map((x) => ({ x, y: x / 5 })) },
    { series: 'own', name: 'Airlock', points: [10, 100, 1000].map((x) => ({ x, y: 3 })) },
  ],
};
const ROWS = [
  { label: 'good', times: 3.1, isReached: true, text: '3 of ≤ 9 ms' },
  { label: 'bad', times: 0.21, isReached: false, text: '48 of ≤ 10 ms' },
];
const DRAWN: Readonly<Record<string, () => string>> = {
  'bar-chart': () => barChart(BARS),
  'line-chart': () => lineChart(LINES),
  'reach-chart': () => reachChart('Reach', 'two rows', ROWS),
};

/** What a chart must not hold: it is shown by whoever opens the page. */
const FOREIGN =
  /<script|<foreignObject|<image|<use|href|url\(|@import|@font-face|\son[a-z]+=|https?:(?!\/\/www\.w3\.org\/2000\/svg")/i;

/** Whether every element ends in the order it began, and nothing else has a bracket or a bare ampersand. */
const isWhole = (svg: string): boolean => {
  const open: string[] = [];
  const rest = svg.replace(
    /<(\/?)([a-z]+)((?: [A-Za-z0-9-]+="[^"<>]*")*)(\/?)>/gi,
    (_, ends: string, name: string, _more, alone: string) => {
      if (ends === '' && alone === '') open.push(name);
      return ends !== '' && open.pop() !== name ? '<' : '';
    },
  );
  return open.length === 0 && !/[<>]|&(?!(?:amp|lt|gt|quot);)/.test(rest);
};

/** Texts that lie outside the picture, by their beginnings and ends. */
const outside = (svg: string): string[] => {
  const [, width = '0', height = '0'] = /viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(svg) ?? [];
  return [...svg.matchAll(/<text x="([\d.-]+)" y="([\d.-]+)"([^>]*)>([^<]*)</g)].flatMap(([all, x, y, more = '', text = '']) => {
    const long = text.replace(/&[a-z]+;/g, '.').length * 6.4;
    const start = Number(x) - (more.includes('"middle"') ? long / 2 : more.includes('"end"') ? long : 0);
    const isInside = start >= 0 && start + long <= Number(width) && Number(y) > 0 && Number(y) < Number(height);
    return isInside || more.includes('rotate') ? [] : [all];
  });
};

for (const [name, draw] of Object.entries(DRAWN)) {
  t.test(`${name} is drawn as it was`, async (t) => {
    const path = join(ROOT, `bench/test/golden/${name}.svg`);
    const svg = draw();
    if (process.env['AIRLOCK_WRITE_GOLDEN'] === '1') {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, svg);
    }
    t.equal(svg, readFileSync(path, 'utf8'));
    t.equal(draw(), svg, 'twice the same');
    t.ok(isWhole(svg), 'whole');
    t.notMatch(svg, FOREIGN, 'fetches nothing, runs nothing');
    t.same(outside(svg), [], 'no word is cut off');
    t.match(svg, /prefers-color-scheme:dark/);
    t.match(svg, /<title id="title">[^<]+<\/title>\n<desc id="description">/);
  });
}

t.test('words are escaped', async (t) => {
  const svg = barChart({ ...BARS, title: '</text><script>alert(1)</script>', axis: '" onload="x' });
  t.ok(isWhole(svg));
  t.notMatch(svg, /<script/);
  t.match(svg, '&lt;/text&gt;&lt;script&gt;');
});

t.test('a value that is none is no bar of a length nobody measured', async (t) => {
  const bars = (value: number): string => barChart({ ...BARS, groups: [{ label: 'x', bars: [{ series: 'own', value }] }] });
  t.throws(() => bars(NaN), RangeError);
  t.throws(() => reachChart('x', 'x', [{ label: 'x', times: NaN, isReached: false, text: '' }]), RangeError);
  t.doesNotThrow(() => bars(1), 'negative control');
});

t.test('bars are as long as their values, marks stand where they belong', async (t) => {
  const widths = [...barChart(BARS).matchAll(/width="([\d.]+)" height="16"/g)].map(([, width]) => Number(width));
  t.equal(widths.length, 3);
  const [bare = 0, own = 0, second = 0] = widths;
  t.ok(Math.abs(own / bare - 42 / 12.5) < 0.01);
  t.ok(Math.abs(own / second - 6) < 0.01);
});

t.test('a number that would stand on the mark stands behind it', async (t) => {
  const placed = (value: number): number[] => {
    const reach = { value: 30, text: '', isReached: true };
    const svg = barChart({
      ...BARS,
      groups: [{ label: 'x', reach, bars: [{ series: 'own', value, text: 'here' }] }, ...BARS.groups],
    });
    const mark = Number(/<line x1="([\d.]+)"[^>]*class="reach"\/>/.exec(svg.slice(svg.indexOf('>x<')))?.[1]);
    return [Number(/<text x="([\d.]+)"[^>]*>here</.exec(svg)?.[1]), mark];
  };
  const [behind = 0, mark = 0] = placed(29);
  t.ok(behind > mark);
  const [before = 0] = placed(5);
  t.ok(before + 30 < mark, 'negative control: where there is room it stands at its bar');
});

t.test('axes and numbers', async (t) => {
  t.same(linearScale(42).ticks, [0, 10, 20, 30, 40, 50]);
  t.same(linearScale(1).ticks, [0, 0.2, 0.4, 0.6, 0.8, 1]);
  t.same(logScale(3, 900).ticks, [1, 10, 100, 1000]);
  t.same(logScale(10, 10_000).ticks, [10, 100, 1000, 10_000]);
  t.equal(logScale(10, 10_000).at(100), 1 / 3);
  t.equal(logScale(10, 100).at(1), 0, 'what is outside lies at the edge');
  const texts = [0, 0.05, 1, 1.304, 9.999, 12.34, 99.96, 100.4, 1234567].map(numeral);
  t.same(texts, ['0', '0.05', '1', '1.3', '10', '12.3', '100', '100', '1,234,567']);
});

t.test('negative control: cut words, strangers and broken files are found', async (t) => {
  const svg = barChart(BARS);
  t.equal(outside(svg.replace('x="20" y="32"', 'x="700" y="32"')).length, 1);
  t.match(svg.replace('<rect', '<image href="https://example.org"/><rect'), FOREIGN);
  for (const cut of [svg.replace('</text>', ''), svg.replace('&lt;', '<'), svg.replace('&amp;', '&')]) t.notOk(isWhole(cut));
});
