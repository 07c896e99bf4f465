/** What benchmarks say of many measurements. */

/** The middle one, of an even number the upper; NaN of none. */
export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

/** To so many digits behind the point. */
export const round = (value: number, digits = 0): number => Number(value.toFixed(digits));
