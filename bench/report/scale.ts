/** Axes: where a value lies, which ticks are written, and how numbers are. Pure. */

export interface Scale {
  readonly ticks: readonly number[];
  /** Where a value lies, from 0 to 1; what is outside lies at the edge. */
  at(value: number): number;
}

const clamp = (share: number): number => Math.min(1, Math.max(0, share));

/** 1, 2 or 5 times a power of ten: about `count` steps to `max`. */
const stepOf = (max: number, count: number): number => {
  const rough = max / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
};

/** From 0 to at least `max`. */
export const linearScale = (max: number, count = 5): Scale => {
  const step = stepOf(max, count);
  const steps = Math.ceil(max / step - 1e-9);
  const end = steps * step;
  return {
    ticks: Array.from({ length: steps + 1 }, (_, n) => Number((n * step).toPrecision(12))),
    at: (value) => clamp(value / end),
  };
};

/** Whole powers of ten around all values. */
export const logScale = (min: number, max: number): Scale => {
  const first = Math.floor(Math.log10(min) + 1e-9);
  const last = Math.max(first + 1, Math.ceil(Math.log10(max) - 1e-9));
  return {
    ticks: Array.from({ length: last - first + 1 }, (_, n) => Number((10 ** (first + n)).toPrecision(12))),
    at: (value) => clamp((Math.log10(value) - first) / (last - first)),
  };
};

/** `1,234,567`, `12.3`, `0.05`: three digits that count, thousands apart, the same under every language setting. */
export const numeral = (value: number): string => {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const [whole = '', part = ''] = value.toFixed(digits).split('.');
  const fraction = part.replace(/0+$/, '');
  return `${whole.replace(/\B(?=(?:\d{3})+$)/g, ',')}${fraction === '' ? '' : `.${fraction}`}`;
};
