/** Reads a QR code as a camera would: from the half blocks that a terminal shows, by way of a bitmap, with zbarimg. */
import { writeFileSync } from 'node:fs';
import { must } from './machine.js';

/** Pixels of a module: zbar wants several. */
const SCALE = 6;
const UPPER = new Set(['█', '▀']);
const LOWER = new Set(['█', '▄']);

const isQrLine = (line: string): boolean => /^[█▀▄ ]+$/.test(line) && /[█▀▄]/.test(line);

/** Rows of modules, true where light; blocks are light on a dark terminal. */
const modules = (text: string): boolean[][] => {
  const lines = text.split('\n').filter(isQrLine);
  const width = Math.max(...lines.map((line) => line.length));
  return lines.flatMap((line) => {
    const cells = line.padEnd(width).split('');
    return [cells.map((cell) => UPPER.has(cell)), cells.map((cell) => LOWER.has(cell))];
  });
};

/** Portable bitmap, 1 = dark. */
const bitmap = (rows: readonly (readonly boolean[])[]): string => {
  const wide = rows.map((row) => row.flatMap((light) => Array<string>(SCALE).fill(light ? '0' : '1')).join(' '));
  const tall = wide.flatMap((row) => Array<string>(SCALE).fill(row));
  return `P1\n${(rows[0]?.length ?? 0) * SCALE} ${rows.length * SCALE}\n${tall.join('\n')}\n`;
};

/** @returns the text of the code on display; throws where a camera would find none */
export const scanQr = async (terminal: string, file = '/tmp/qr.pbm'): Promise<string> => {
  writeFileSync(file, bitmap(modules(terminal)));
  return must(['zbarimg', '--quiet', '--raw', file]);
};
