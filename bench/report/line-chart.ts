/** Lines over a growing size, both axes by powers of ten, with the line that is to be reached. Pure. */
import type { Series } from './bar-chart.js';
import { logScale, numeral, type Scale } from './scale.js';
import { document, element, line, words } from './svg.js';

export interface Line {
  readonly series: Series;
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface LineChart {
  readonly title: string;
  readonly description: string;
  readonly xAxis: string;
  readonly yAxis: string;
  readonly lines: readonly Line[];
  readonly reach: { readonly value: number; readonly text: string };
}

const WIDTH = 760;
const HEIGHT = 400;
const LEFT = 84;
const RIGHT = 128;
const TOP = 60;
const BOTTOM = 60;
const PLOT = { width: WIDTH - LEFT - RIGHT, height: HEIGHT - TOP - BOTTOM };

interface Scales {
  readonly x: Scale;
  readonly y: Scale;
}

const place = ({ x, y }: Scales, point: { readonly x: number; readonly y: number }): { x: number; y: number } => ({
  x: LEFT + x.at(point.x) * PLOT.width,
  y: TOP + (1 - y.at(point.y)) * PLOT.height,
});

const axes = ({ xAxis, yAxis }: LineChart, { x, y }: Scales): string[] => [
  ...y.ticks.flatMap((tick) => {
    const at = TOP + (1 - y.at(tick)) * PLOT.height;
    return [
      line(LEFT, at, LEFT + PLOT.width, at, 'grid'),
      words(LEFT - 10, at + 4, numeral(tick), 'small', { 'text-anchor': 'end' }),
    ];
  }),
  ...x.ticks.flatMap((tick) => {
    const at = LEFT + x.at(tick) * PLOT.width;
    return [
      line(at, TOP, at, TOP + PLOT.height, 'grid'),
      words(at, TOP + PLOT.height + 18, numeral(tick), 'small', { 'text-anchor': 'middle' }),
    ];
  }),
  words(LEFT + PLOT.width / 2, HEIGHT - 18, xAxis, 'soft', { 'text-anchor': 'middle' }),
  words(24, TOP + PLOT.height / 2, yAxis, 'soft', {
    'text-anchor': 'middle',
    transform: `rotate(-90 24 ${TOP + PLOT.height / 2})`,
  }),
];

/** Above the line that is the higher one there, below the lower one: what lies close together stays apart. */
const labelOffset = (one: Line, lines: readonly Line[], n: number): number =>
  lines.some((other) => (other.points[n]?.y ?? 0) > (one.points[n]?.y ?? 0)) ? 20 : -11;

const drawn = (one: Line, lines: readonly Line[], scales: Scales): string[] => {
  const { series, name, points } = one;
  const places = points.map((point) => place(scales, point));
  const last = places.at(-1) ?? { x: LEFT, y: TOP };
  return [
    element('polyline', {
      points: places.map(({ x, y }) => `${Math.round(x * 10) / 10},${Math.round(y * 10) / 10}`).join(' '),
      class: `line-${series}`,
    }),
    ...places.map(({ x, y }) => element('circle', { cx: x, cy: y, r: 4, class: series })),
    ...points.map(({ y }, n) => {
      const at = { x: places[n]?.x ?? 0, y: (places[n]?.y ?? 0) + labelOffset(one, lines, n) };
      return words(n === 0 ? at.x + 8 : at.x, at.y, numeral(y), 'halo', { 'text-anchor': n === 0 ? 'start' : 'middle' });
    }),
    words(last.x + 14, last.y + 4, name, 'label'),
  ];
};

/** One SVG file. @throws RangeError where a value is no number */
export const lineChart = (chart: LineChart): string => {
  const points = chart.lines.flatMap((one) => one.points);
  const [xs, ys] = [points.map(({ x }) => x), [...points.map(({ y }) => y), chart.reach.value]];
  const scales = {
    x: logScale(Math.min(...xs), Math.max(...xs)),
    y: logScale(Math.min(...ys), Math.max(...ys)),
  };
  const reachY = TOP + (1 - scales.y.at(chart.reach.value)) * PLOT.height;
  const reach = [
    line(LEFT, reachY, LEFT + PLOT.width, reachY, 'reach'),
    words(LEFT + PLOT.width + 14, reachY + 4, chart.reach.text, 'met bold'),
  ];
  const frame = { width: WIDTH, height: HEIGHT, title: chart.title, description: chart.description };
  return document(frame, [...axes(chart, scales), ...reach, ...chart.lines.flatMap((one) => drawn(one, chart.lines, scales))]);
};
