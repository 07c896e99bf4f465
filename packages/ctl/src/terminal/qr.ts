/** A QR code for a terminal: two rows of modules in each line, dark on light whatever the terminal's colours are. */
import { encode } from 'uqr';

/** Quiet zone of ISO/IEC 18004 §9.1, in modules; phones read half of it as well. */
const QUIET = 4;
const NARROW_QUIET = 2;

/** Two modules a line, and a line for the prompt below, on a terminal of 24 lines. */
const MAX_SIZE = 46;

const encoded = (text: string): ReturnType<typeof encode> => {
  const whole = encode(text, { ecc: 'L', border: QUIET });
  return whole.size <= MAX_SIZE ? whole : encode(text, { ecc: 'L', border: NARROW_QUIET });
};

/** @returns lines of half blocks; light modules are drawn, so that it reads on a dark terminal */
export const qr = (text: string): string => {
  const { data, size } = encoded(text);
  const light = (row: number, column: number): boolean => data[row]?.[column] !== true;
  const lines: string[] = [];
  for (let row = 0; row < size; row += 2) {
    let line = '';
    for (let column = 0; column < size; column += 1) {
      const top = light(row, column);
      const bottom = row + 1 < size ? light(row + 1, column) : false;
      line += top ? (bottom ? '█' : '▀') : bottom ? '▄' : ' ';
    }
    lines.push(line);
  }
  return lines.join('\n');
};

/** The same with black and white set by the text itself, so that it is no negative on a light terminal (ECMA-48 SGR). */
export const colorQr = (text: string): string =>
  qr(text)
    .split('\n')
    .map((line) => `\u001b[97;40m${line}\u001b[0m`)
    .join('\n');
