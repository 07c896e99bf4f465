/** Which CSS declarations make text invisible to a human. Errs towards hidden. */

export type Declarations = ReadonlyMap<string, string>;

/** red, green, blue 0–255. */
export type Colour = readonly [number, number, number];

const RELEVANT =
  /^(?:display|visibility|opacity|font-size|font|color|background|background-color|position|left|right|top|bottom|text-indent|margin-left|margin-top|height|max-height|width|max-width|overflow|overflow-[xy]|clip|clip-path|transform|-webkit-text-fill-color|filter)$/;

const decodeEscapes = (css: string): string =>
  css
    .replace(/\/\*[\s\S]*?(?:\*\/|$)/g, '')
    .replace(/\\([0-9a-f]{1,6})\s?/gi, (_all, hex: string) => {
      const code = parseInt(hex, 16);
      return code > 0 && code < 0x110000 ? String.fromCodePoint(code) : ' ';
    })
    .replace(/\\(.)/g, '$1');

/** Relevant declarations of a style attribute or rule body; a later one wins, `!important` over all. */
export const parseDeclarations = (css: string): Map<string, string> => {
  const found = new Map<string, string>();
  for (const declaration of decodeEscapes(css.slice(0, 10_000)).toLowerCase().split(';')) {
    const colon = declaration.indexOf(':');
    const name = declaration.slice(0, colon).trim();
    if (colon < 0 || !RELEVANT.test(name)) continue;
    if (found.get(name)?.includes('!important') === true && !declaration.includes('!important')) continue;
    found.set(name, declaration.slice(colon + 1).trim());
  }
  return found;
};

/** Later declarations over earlier ones, but not over `!important`. */
export const overlay = (under: Declarations, over: Declarations): Map<string, string> => {
  const both = new Map(under);
  for (const [name, value] of over) {
    if (both.get(name)?.includes('!important') !== true || value.includes('!important')) both.set(name, value);
  }
  return both;
};

const PIXELS: Readonly<Record<string, number>> = {
  px: 1,
  pt: 1.33,
  em: 16,
  rem: 16,
  ex: 8,
  '%': 0.16,
  vw: 10,
  vh: 10,
  cm: 38,
  mm: 3.8,
  in: 96,
  pc: 16,
  '': 1,
};

/** A length in roughly pixels, or null where it is none. */
export const pixelsOf = (value: string | undefined): number | null => {
  const found = /^([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(px|pt|r?em|ex|%|vw|vh|cm|mm|in|pc|)(?![a-z0-9])/.exec(value ?? '');
  return found ? Number(found[1]) * (PIXELS[found[2] ?? ''] ?? 1) : null;
};

const below = (value: string | undefined, limit: number): boolean => {
  const pixels = pixelsOf(value);
  return pixels !== null && pixels <= limit;
};

const isFaint = (value: string | undefined): boolean => {
  const number = parseFloat(value ?? '1');
  return (value?.includes('%') === true ? number / 100 : number) <= 0.1;
};

const OFF_SCREEN_PX = -200;

const isMovedAway = (style: Declarations): boolean => {
  const positioned = /^(?:absolute|fixed|relative)/.test(style.get('position') ?? '');
  const sides = positioned
    ? ['left', 'right', 'top', 'bottom', 'text-indent', 'margin-left', 'margin-top']
    : ['text-indent', 'margin-left', 'margin-top'];
  return sides.some((side) => below(style.get(side), OFF_SCREEN_PX));
};

const isClipped = (style: Declarations): boolean => {
  if (/rect\(\s*(?:0|1)(?:px)?[\s,]+(?:0|1)(?:px)?[\s,]+(?:0|1)(?:px)?/.test(style.get('clip') ?? '')) return true;
  if (/inset\(\s*(?:50|100)%|circle\(\s*0/.test(style.get('clip-path') ?? '')) return true;
  if (/scale[xy]?\(\s*0?\.?0*\s*[,)]/.test(style.get('transform') ?? '')) return true;
  if (below(style.get('max-height'), 1) || below(style.get('max-width'), 1)) return true;
  const hidesOverflow = ['overflow', 'overflow-x', 'overflow-y'].some((name) => /hidden|clip/.test(style.get(name) ?? ''));
  return hidesOverflow && (below(style.get('height'), 1) || below(style.get('width'), 1));
};

/** Hides the element with everything in it. */
export const hidesSubtree = (style: Declarations): boolean =>
  /^none/.test(style.get('display') ?? '') ||
  isFaint(style.get('opacity')) ||
  /opacity\(\s*0/.test(style.get('filter') ?? '') ||
  isMovedAway(style) ||
  isClipped(style);

/** Font size in pixels where one is set. */
export const fontSizeOf = (style: Declarations): number | null => {
  const shorthand = /(?:^|\s)((?:[0-9]*\.)?[0-9]+(?:px|pt|em|rem|%))(?:\/|\s|$)/.exec(style.get('font') ?? '');
  return pixelsOf(style.get('font-size')) ?? pixelsOf(shorthand?.[1]);
};

const NAMED: Readonly<Record<string, Colour>> = {
  white: [255, 255, 255],
  black: [0, 0, 0],
  red: [255, 0, 0],
  green: [0, 128, 0],
  blue: [0, 0, 255],
  yellow: [255, 255, 0],
  gray: [128, 128, 128],
  grey: [128, 128, 128],
  silver: [192, 192, 192],
  snow: [255, 250, 250],
  ivory: [255, 255, 240],
  whitesmoke: [245, 245, 245],
  ghostwhite: [248, 248, 255],
  floralwhite: [255, 250, 240],
  navy: [0, 0, 128],
  lightgray: [211, 211, 211],
  lightgrey: [211, 211, 211],
  gainsboro: [220, 220, 220],
  azure: [240, 255, 255],
  mintcream: [245, 255, 250],
  seashell: [255, 245, 238],
};

const hexColour = (hex: string): Colour => {
  const wide = hex.length < 6 ? hex.replace(/./g, '$&$&') : hex;
  return [parseInt(wide.slice(0, 2), 16), parseInt(wide.slice(2, 4), 16), parseInt(wide.slice(4, 6), 16)];
};

/** A colour, 'transparent', or null where the text names none that we know. */
export const colourOf = (value: string | undefined): Colour | 'transparent' | null => {
  const text = (value ?? '').toLowerCase();
  const hex = /#?\b([0-9a-f]{8}|[0-9a-f]{6}|[0-9a-f]{3,4})\b/.exec(text);
  if (hex?.[1] !== undefined && (text.includes('#') || hex[0] === text)) {
    return /^(?:.{3}0|.{6}00)$/.test(hex[1]) ? 'transparent' : hexColour(hex[1]);
  }
  const rgb = /rgba?\(\s*([0-9.]+)[\s,]+([0-9.]+)[\s,]+([0-9.]+)(?:[\s,/]+([0-9.]+))?/.exec(text);
  if (rgb)
    return rgb[4] !== undefined && Number(rgb[4]) <= 0.1 ? 'transparent' : [Number(rgb[1]), Number(rgb[2]), Number(rgb[3])];
  if (/\btransparent\b/.test(text)) return 'transparent';
  const word = text.split(/[\s!]+/).find((part) => Object.hasOwn(NAMED, part));
  return word === undefined ? null : (NAMED[word] ?? null);
};

/** True where a human cannot tell the two apart. */
export const looksSame = (one: Colour, other: Colour): boolean =>
  one.every((part, index) => Math.abs(part - (other[index] ?? 0)) <= 16);
