/** Horizontal bars in groups: what was measured beside its baseline, and how far it was to reach. Pure. */
import { linearScale, logScale, numeral, type Scale } from './scale.js';
import { document, element, line, widthOf, words } from './svg.js';

export type Series = 'own' | 'bare';

export interface Bar {
  readonly series: Series;
  readonly value: number;
  /** Written at its end; the number alone by default. */
  readonly text?: string;
}

export interface BarGroup {
  readonly label: string;
  /** Below the label. */
  readonly note?: string;
  readonly bars: readonly Bar[];
  /** On the axis; `isReached` decides the colour of what is written about it. */
  readonly reach?: { readonly value: number; readonly text: string; readonly isReached: boolean };
}

export interface BarChart {
  readonly title: string;
  readonly description: string;
  /** What the axis counts, with its unit. */
  readonly axis: string;
  readonly scale: 'linear' | 'log';
  /** Names of the series, for the legend. */
  readonly legend: Readonly<Partial<Record<Series, string>>>;
  readonly groups: readonly BarGroup[];
}

const WIDTH = 760;
const LEFT = 236;
const RIGHT = 96;
const TOP = 80;
const BAR = 16;
const BAR_GAP = 4;
const GROUP_GAP = 20;
const LABELS = 48;
const MIN_GROUP = 36;

const PLOT = WIDTH - LEFT - RIGHT;

const heightOf = ({ bars }: BarGroup): number => Math.max(MIN_GROUP, bars.length * (BAR + BAR_GAP) - BAR_GAP);

const scaleOf = ({ scale, groups }: BarChart): Scale => {
  const values = groups.flatMap(({ bars, reach }) => [...bars.map(({ value }) => value), ...(reach ? [reach.value] : [])]);
  return scale === 'log' ? logScale(Math.min(...values) / 1.5, Math.max(...values)) : linearScale(Math.max(...values));
};

const legend = (chart: BarChart): string[] => {
  const parts: string[] = [];
  let x = 20;
  for (const [series, name] of Object.entries(chart.legend)) {
    parts.push(element('rect', { x, y: 48, width: 12, height: 12, rx: 2, class: series }), words(x + 18, 58, name, 'soft'));
    x += 18 + widthOf(name) + 24;
  }
  if (chart.groups.some(({ reach }) => reach))
    parts.push(line(x + 6, 46, x + 6, 62, 'reach'), words(x + 16, 58, 'to be reached', 'soft'));
  return parts;
};

const axis = ({ axis: name }: BarChart, scale: Scale, bottom: number): string[] => [
  ...scale.ticks.flatMap((tick) => {
    const x = LEFT + scale.at(tick) * PLOT;
    return [line(x, TOP - 6, x, bottom, 'grid'), words(x, bottom + 17, numeral(tick), 'small', { 'text-anchor': 'middle' })];
  }),
  line(LEFT, TOP - 6, LEFT, bottom, 'axis'),
  words(LEFT + PLOT / 2, bottom + 36, name, 'soft', { 'text-anchor': 'middle' }),
];

const labels = ({ label, note, reach }: BarGroup, y: number, height: number): string[] => {
  const below = [
    ...(note === undefined ? [] : [{ text: note, className: 'small' }]),
    ...(reach === undefined ? [] : [{ text: reach.text, className: `small bold ${reach.isReached ? 'met' : 'missed'}` }]),
  ];
  const first = y + height / 2 + 4 - below.length * 7.5;
  return [
    words(LEFT - 12, first, label, 'label', { 'text-anchor': 'end' }),
    ...below.map(({ text, className }, n) => words(LEFT - 12, first + 15 * (n + 1), text, className, { 'text-anchor': 'end' })),
  ];
};

/** Behind the bar, and behind the mark where it would stand on it. */
const valueX = (end: number, text: string, reach: number | null): number =>
  reach !== null && reach > end - 2 && reach < end + 10 + widthOf(text) ? reach + 7 : end + 6;

const group = (one: BarGroup, scale: Scale, y: number): string[] => {
  const height = heightOf(one);
  const first = y + (height - (one.bars.length * (BAR + BAR_GAP) - BAR_GAP)) / 2;
  const bars = one.bars.map(({ series, value }, n) =>
    element('rect', {
      ...{ x: LEFT, y: first + n * (BAR + BAR_GAP), width: Math.max(1.5, scale.at(value) * PLOT), height: BAR, rx: 2 },
      class: series,
    }),
  );
  const reach = one.reach ? LEFT + scale.at(one.reach.value) * PLOT : null;
  const values = one.bars.map(({ value, text = numeral(value) }, n) =>
    words(valueX(LEFT + scale.at(value) * PLOT, text, reach), first + n * (BAR + BAR_GAP) + 12.5, text, 'halo'),
  );
  const mark = reach === null ? [] : [line(reach, y - 5, reach, y + height + 5, 'reach')];
  return [...labels(one, y, height), ...bars, ...mark, ...values];
};

/** One SVG file. @throws RangeError where a value is no number */
export const barChart = (chart: BarChart): string => {
  const scale = scaleOf(chart);
  const parts: string[] = [];
  let y = TOP;
  for (const one of chart.groups) {
    parts.push(...group(one, scale, y + GROUP_GAP / 2));
    y += heightOf(one) + GROUP_GAP;
  }
  const frame = { width: WIDTH, height: y + LABELS, title: chart.title, description: chart.description };
  return document(frame, [...legend(chart), ...axis(chart, scale, y), ...parts]);
};
