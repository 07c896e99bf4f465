/** SVG as text: elements, escaped words, and the frame every chart stands in. Pure; equal input is equal text. */

export type Attributes = Readonly<Record<string, string | number>>;

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escape = (text: string): string => text.replace(/[&<>"]/g, (sign) => ESCAPES[sign] ?? sign);

/** Two digits behind the point are more than an eye sees, and the same on every machine. @throws RangeError for what is no number */
const numberText = (value: number): string => {
  if (!Number.isFinite(value)) throw new RangeError(`a chart cannot be drawn with ${value}`);
  return String(Math.round(value * 100) / 100);
};

/** `<name a="1">…</name>`; children are SVG already. */
export const element = (name: string, attributes: Attributes, children: readonly string[] = []): string => {
  const list = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? numberText(value) : escape(value)}"`)
    .join('');
  return children.length === 0 ? `<${name}${list}/>` : `<${name}${list}>${children.join('')}</${name}>`;
};

/** Words at a place. `className` is one of those of the frame's style. */
export const words = (x: number, y: number, text: string, className: string, more: Attributes = {}): string =>
  element('text', { x, y, class: className, ...more }, [escape(text)]);

export const line = (x1: number, y1: number, x2: number, y2: number, className: string): string =>
  element('line', { x1, y1, x2, y2, class: className });

/** About how wide words are in the frame's letters: a little more than most fonts take. */
export const widthOf = (text: string, size = 12): number => text.length * size * 0.56;

/** Light first; who prefers dark gets it. The card has its own ground, so that it can be read on any page. */
const STYLE = [
  'svg{--ground:#fff;--edge:#d1d9e0;--ink:#1f2328;--soft:#59636e;--grid:#e6eaef;--own:#0969da;--bare:#a5afba;--reach:#1a7f37;--missed:#bc4c00}',
  '@media(prefers-color-scheme:dark){svg{--ground:#0d1117;--edge:#3d444d;--ink:#f0f6fc;--soft:#9198a1;--grid:#262c36;--own:#4493f8;--bare:#6e7781;--reach:#3fb950;--missed:#f0883e}}',
  'text{font-family:system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif;font-size:12px;fill:var(--ink)}',
  '.title{font-size:16px;font-weight:600}.label{font-size:13px}.soft{fill:var(--soft)}.small{font-size:11px;fill:var(--soft)}',
  '.card{fill:var(--ground);stroke:var(--edge)}.grid{stroke:var(--grid)}.axis{stroke:var(--edge)}',
  '.own{fill:var(--own)}.bare{fill:var(--bare)}.missed{fill:var(--missed)}.met{fill:var(--reach)}.bold{font-weight:600}',
  '.line-own,.line-bare{fill:none;stroke-width:2.5}.line-own{stroke:var(--own)}.line-bare{stroke:var(--bare)}',
  '.reach{stroke:var(--ink);stroke-width:2;stroke-dasharray:5 3}.halo{paint-order:stroke;stroke:var(--ground);stroke-width:4px}',
].join('');

export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  /** What it shows, in a sentence, for who cannot see it. */
  readonly description: string;
}

/** A whole file: nothing is fetched and nothing runs. */
export const document = ({ width, height, title, description }: Frame, body: readonly string[]): string => {
  const parts = [
    element('title', { id: 'title' }, [escape(title)]),
    element('desc', { id: 'description' }, [escape(description)]),
    `<style>${STYLE}</style>`,
    element('rect', { x: 0.5, y: 0.5, width: width - 1, height: height - 1, rx: 8, class: 'card' }),
    words(20, 32, title, 'title'),
    ...body,
  ];
  const size = { width, height, viewBox: `0 0 ${width} ${height}` };
  const attributes = { xmlns: 'http://www.w3.org/2000/svg', ...size, role: 'img', 'aria-labelledby': 'title description' };
  return `${element('svg', attributes, [`\n${parts.join('\n')}\n`])}\n`;
};
