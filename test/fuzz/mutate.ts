/** Inputs from seeds: bytes, words of the format, lines, JSON values and pieces of other seeds, changed by a few steps each. */
import type { Dice } from '../fire/dice.js';

const MAX_BYTES = 16_384;
const NUMBERS = [
  '0',
  '-1',
  '1e999',
  '9007199254740993',
  '4294967296',
  '2147483648',
  '65536',
  '00',
  '1.5',
  '-0',
  '99999999999999999999',
];
const ODD = [
  '\0',
  '\r',
  '\n',
  '\r\n',
  '"',
  '\\',
  '\\u0000',
  '\\ud800',
  '\u202e',
  '\u200b',
  '\ufeff',
  '{',
  '}',
  '[',
  ']',
  '(',
  ')',
  '<',
  '>',
  '&',
  '%00',
  '..',
  '__proto__',
  'constructor',
  'é',
  '𝔸',
  '\u2028',
];

type Step = (input: Buffer, dice: Dice, words: readonly string[], other: Buffer) => Buffer;

const splice = (input: Buffer, at: number, remove: number, put: Uint8Array): Buffer =>
  Buffer.concat([input.subarray(0, at), put, input.subarray(at + remove)]);

const flip: Step = (input, dice) => {
  const out = Buffer.from(input);
  if (out.length > 0) out[dice.below(out.length)] = dice.below(256);
  return out;
};
const word: Step = (input, dice, words) => {
  const put = dice.chance(2) && words.length > 0 ? dice.pick(words) : dice.pick(ODD);
  return splice(input, dice.below(input.length + 1), dice.chance(2) ? dice.below(8) : 0, Buffer.from(put));
};
const remove: Step = (input, dice) =>
  splice(input, dice.below(input.length), 1 + dice.below(dice.chance(4) ? input.length : 16), Buffer.alloc(0));
const repeat: Step = (input, dice) => {
  const from = dice.below(input.length);
  const piece = input.subarray(from, from + 1 + dice.below(dice.chance(4) ? 512 : 32));
  const times = 1 + dice.below(dice.chance(8) ? 200 : 4);
  return splice(input, from, 0, Buffer.concat(Array.from({ length: times }, () => piece)));
};
const cross: Step = (input, dice, _words, other) => {
  const from = dice.below(other.length);
  return splice(input, dice.below(input.length + 1), dice.below(64), other.subarray(from, from + 1 + dice.below(256)));
};
const cut: Step = (input, dice) => input.subarray(0, dice.below(input.length + 1));
const number: Step = (input, dice) => {
  const found = [...input.toString('latin1').matchAll(/[0-9]+/g)];
  if (found.length === 0) return input;
  const one = dice.pick(found);
  return splice(input, one.index, one[0].length, Buffer.from(dice.pick(NUMBERS)));
};
const lines: Step = (input, dice) => {
  const all = input.toString('latin1').split('\n');
  const [a, b] = [dice.below(all.length), dice.below(all.length)];
  const kind = dice.below(3);
  if (kind === 0) all.splice(a, 1);
  else if (kind === 1) all.splice(b, 0, all[a] ?? '');
  else [all[a], all[b]] = [all[b] ?? '', all[a] ?? ''];
  return Buffer.from(all.join('\n'), 'latin1');
};

/** Another value in the place of one member, drawn on the way down. */
const changed = (value: unknown, dice: Dice, depth = 0): unknown => {
  if (typeof value !== 'object' || value === null || dice.chance(4) || depth > 12)
    return dice.pick<unknown>([
      null,
      true,
      '',
      0,
      -1,
      1e300,
      2 ** 53,
      [],
      {},
      'x'.repeat(300),
      '\ud800',
      [value, value],
      { a: value },
      String(value),
    ]);
  if (Array.isArray(value)) {
    const items = value as unknown[];
    const at = dice.below(items.length + 1);
    return [...items.slice(0, at), changed(items[at], dice, depth + 1), ...items.slice(at + 1)];
  }
  const entries: (readonly [string, unknown])[] = Object.entries(value);
  const at = dice.below(entries.length + 1);
  const [key, member] = entries[at] ?? ['extra', 1];
  if (dice.chance(4)) return Object.fromEntries(entries.filter((_one, index) => index !== at));
  return { ...value, [dice.chance(6) ? `${key}x` : key]: changed(member, dice, depth + 1) };
};

/** A member of a JSON line, or the same key twice. */
const json: Step = (input, dice) => {
  const all = input.toString('utf8').split('\n');
  const at = dice.below(all.length);
  try {
    const text = JSON.stringify(changed(JSON.parse(all[at] ?? ''), dice));
    all[at] = dice.chance(8) ? text.replace(/^\{("[^"]*":)/, '{$1null,$1') : text;
  } catch {
    return word(input, dice, [], input);
  }
  return Buffer.from(all.join('\n'));
};

const STEPS: readonly Step[] = [flip, word, word, remove, repeat, cross, cut, number, lines, json, json];

/** One input; now and then a seed as it is. */
export const mutate = (seeds: readonly Buffer[], words: readonly string[], dice: Dice): Buffer => {
  let input = dice.pick(seeds);
  const count = dice.chance(50) ? 0 : 1 + dice.below(dice.chance(3) ? 8 : 3);
  for (let turn = 0; turn < count; turn += 1) input = dice.pick(STEPS)(input, dice, words, dice.pick(seeds));
  return input.length > MAX_BYTES ? Buffer.from(input.subarray(0, MAX_BYTES)) : input;
};
