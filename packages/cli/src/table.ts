/** Columns for humans. */
import { printable } from './output.js';

/** Rows under a head, columns as wide as their widest cell; the last one runs free. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const lines = [head, ...rows].map((row) => row.map(printable));
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const padded = lines.map((line) =>
    line.map((cell, column) => (column === line.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))),
  );
  return padded.map((line) => line.join('  ').trimEnd()).join('\n');
};
