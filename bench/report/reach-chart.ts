/** Every figure against what it was to reach, on one axis: how many times better or worse. Pure. */
import { document, element, line, words } from './svg.js';

export interface Against {
  readonly label: string;
  /** Above 1 is better than what was to be reached. */
  readonly times: number;
  readonly isReached: boolean;
  /** What was measured, and what was to be reached. */
  readonly text: string;
}

const WIDTH = 760;
const LEFT = 206;
const RIGHT = 212;
const TOP = 86;
const ROW = 24;
const PLOT = WIDTH - LEFT - RIGHT;

const nameOf = (power: number): string =>
  power === 0 ? 'reach' : power > 0 ? `${2 ** power} × better` : `${2 ** -power} × worse`;

/** Powers of two around all of them, at least a factor of two on either side. */
const powersOf = (rows: readonly Against[]): { first: number; last: number } => {
  const powers = rows.map(({ times }) => Math.log2(times));
  return { first: Math.min(-1, Math.floor(Math.min(...powers))), last: Math.max(1, Math.ceil(Math.max(...powers))) };
};

/** One SVG file. @throws RangeError where a value is no number */
export const reachChart = (title: string, description: string, rows: readonly Against[]): string => {
  const { first, last } = powersOf(rows);
  const xOf = (times: number): number => LEFT + ((Math.log2(times) - first) / (last - first)) * PLOT;
  const bottom = TOP + rows.length * ROW;
  const every = last - first > 5 ? 2 : 1;
  const powers = Array.from({ length: last - first + 1 }, (_, n) => first + n).filter((power) => power % every === 0);
  const axis = powers.flatMap((power) => [
    line(xOf(2 ** power), TOP - 8, xOf(2 ** power), bottom + 4, power === 0 ? 'reach' : 'grid'),
    words(xOf(2 ** power), TOP - 16, nameOf(power), power === 0 ? 'bold' : 'small', { 'text-anchor': 'middle' }),
  ]);
  const drawn = rows.flatMap(({ label, times, isReached, text }, n) => {
    const y = TOP + n * ROW;
    const [from, to] = [xOf(1), xOf(times)];
    const series = isReached ? 'own' : 'missed';
    return [
      words(LEFT - 16, y + 16, label, '', { 'text-anchor': 'end' }),
      element('rect', {
        ...{ x: Math.min(from, to), y: y + 8, width: Math.max(1, Math.abs(to - from)), height: ROW - 16 },
        class: series,
      }),
      element('circle', { cx: to, cy: y + ROW / 2, r: 5.5, class: series }),
      words(WIDTH - RIGHT + 20, y + 16, text, isReached ? '' : 'missed bold'),
    ];
  });
  const legend = [
    element('rect', { x: 20, y: 48, width: 12, height: 12, rx: 2, class: 'own' }),
    words(38, 58, 'reached', 'soft'),
    element('rect', { x: 106, y: 48, width: 12, height: 12, rx: 2, class: 'missed' }),
    words(124, 58, 'missed', 'soft'),
  ];
  return document({ width: WIDTH, height: bottom + 24, title, description }, [...legend, ...axis, ...drawn]);
};
