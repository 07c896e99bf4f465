/**
 * HTML to the text that a human would have seen. The same DOM is judged and printed, so there is no second parser
 * that could see something else.
 *
 * MAIL-15 Text that is hidden by style, attribute or place (see docs/spec/mail.md) is not printed, and the answer says so.
 */
import { compile, type Builder, type DomNode, type Formatter, type Options, type Walk } from 'html-to-text';
import { parseSheet, styleOf, type Rule } from './sheet.js';
import { colourOf, fontSizeOf, hidesSubtree, looksSame, type Colour, type Declarations } from './style.js';

/** Inherited by everything inside an element. */
interface Look {
  readonly colour: Colour | 'transparent';
  /** null: an image or a colour we do not know. */
  readonly background: Colour | null;
  readonly fontPx: number;
  readonly invisible: boolean;
}

interface Run {
  readonly rules: readonly Rule[];
  readonly looks: WeakMap<DomNode, Look>;
  dropped: boolean;
}

const PLAIN: Look = { colour: [0, 0, 0], background: [255, 255, 255], fontPx: 16, invisible: false };
const MAX_HTML_CHARS = 1024 * 1024;
/** htmlparser2 searches its stack of open elements at each end tag. */
const MAX_TAGS = 20_000;
const MIN_FONT_PX = 3;

const textIn = (node: DomNode, depth = 0): boolean =>
  node.type === 'text'
    ? /[\p{L}\p{N}]/u.test(node.data ?? '')
    : depth < 100 && (node.children ?? []).some((child) => textIn(child, depth + 1));

const backgroundOf = (node: DomNode, style: Declarations, above: Colour | null): Colour | null => {
  const set = style.get('background-color') ?? style.get('background') ?? node.attribs?.['bgcolor'];
  if (set === undefined) return above;
  if (/url\(|gradient/.test(set)) return null;
  const colour = colourOf(set);
  return colour === 'transparent' ? above : (colour ?? (/^(?:none|inherit|initial)/.test(set) ? above : null));
};

const lookOf = (node: DomNode, style: Declarations, above: Look): Look => {
  const visibility = style.get('visibility');
  return {
    colour:
      colourOf(style.get('-webkit-text-fill-color')) ?? colourOf(style.get('color') ?? node.attribs?.['color']) ?? above.colour,
    background: backgroundOf(node, style, above.background),
    fontPx: fontSizeOf(style) ?? above.fontPx,
    invisible: visibility === undefined ? above.invisible : /^(?:hidden|collapse)/.test(visibility),
  };
};

const hidesText = ({ colour, background, fontPx, invisible }: Look): boolean =>
  invisible || fontPx < MIN_FONT_PX || colour === 'transparent' || (background !== null && looksSame(colour, background));

const lookAbove = (node: DomNode, run: Run): Look => {
  const missing: DomNode[] = [];
  let look: Look | undefined;
  for (let above = node.parent; above && !look; above = above.parent) {
    look = run.looks.get(above);
    if (!look) missing.push(above);
  }
  let current = look ?? PLAIN;
  for (const above of missing.reverse()) {
    current = lookOf(above, styleOf(above, run.rules), current);
    run.looks.set(above, current);
  }
  return current;
};

const isHiddenElement = (node: DomNode, style: Declarations): boolean =>
  node.attribs?.['hidden'] !== undefined || (node.name === 'input' && node.attribs?.['type'] === 'hidden') || hidesSubtree(style);

/** Judges the element, empties its hidden text, then lets the formatter it would have had print it. */
const judged: Formatter = (node, walk: Walk, builder: Builder, options) => {
  const run = builder.metadata as Run;
  const style = styleOf(node, run.rules);
  if (isHiddenElement(node, style)) {
    run.dropped ||= textIn(node);
    return;
  }
  const look = lookOf(node, style, lookAbove(node, run));
  run.looks.set(node, look);
  if (hidesText(look)) {
    for (const child of node.children ?? []) {
      if (child.type !== 'text') continue;
      run.dropped ||= textIn(child);
      child.data = ' ';
    }
  }
  builder.options.formatters[String(options['inner'])]?.(node, walk, builder, options);
};

/** Never seen, and no text in the sense of the message: no reason to speak of hidden text. */
const silent: Formatter = () => undefined;

/** Not shown where the human reads, but words all the same. */
const unseen: Formatter = (node, _walk, builder) => {
  (builder.metadata as Run).dropped ||= textIn(node);
};

const FORMATS: Readonly<Record<string, readonly string[]>> = {
  block: [
    'article',
    'aside',
    'div',
    'footer',
    'form',
    'header',
    'main',
    'nav',
    'section',
    'table',
    'tr',
    'center',
    'dl',
    'dt',
    'dd',
    'fieldset',
  ],
  paragraph: ['p'],
  lineBreak: ['br'],
  blockquote: ['blockquote'],
  horizontalLine: ['hr'],
  pre: ['pre'],
  orderedList: ['ol'],
  unorderedList: ['ul'],
  heading: ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'],
  anchor: ['a'],
  inline: ['*', 'td', 'th'],
};

const OPTIONS: Options = {
  wordwrap: false,
  baseElements: { selectors: ['body'], returnDomByDefault: true },
  limits: { maxInputLength: MAX_HTML_CHARS, maxDepth: 200, maxChildNodes: 20_000, ellipsis: '…' },
  formatters: { judged, silent, unseen },
  selectors: [
    ...Object.entries(FORMATS).flatMap(([inner, names]) =>
      names.map((selector) => ({
        selector,
        format: 'judged',
        options: {
          inner,
          uppercase: false,
          noAnchorUrl: true,
          hideLinkHrefIfSameAsText: true,
          length: 20,
          leadingLineBreaks: inner === 'block' ? 1 : 2,
          trailingLineBreaks: inner === 'block' ? 1 : 2,
        },
      })),
    ),
    ...['head', 'style', 'script', 'title', 'img', 'svg', 'link', 'meta'].map((selector) => ({ selector, format: 'silent' })),
    ...['template', 'noscript', 'iframe', 'object', 'audio', 'video', 'canvas', 'textarea', 'option', 'datalist', 'dialog'].map(
      (selector) => ({ selector, format: 'unseen' }),
    ),
  ],
};

const convert = compile(OPTIONS);

/** Rules are looked up by tag name in a plain object, which has this one from its prototype. */
const INHERITED_NAME = /<(\/?)constructor(?=[\s/>])/gi;

const withinLimits = (html: string): string => {
  let at = -1;
  for (let tags = 0; tags < MAX_TAGS; tags += 1) {
    at = html.indexOf('<', at + 1);
    if (at < 0) return html.slice(0, MAX_HTML_CHARS);
  }
  return html.slice(0, Math.min(at, MAX_HTML_CHARS));
};

const STYLE_ELEMENT = /<style\b[^>]*>([\s\S]*?)(?:<\/style|$)/gi;

/** @returns the visible text, whether hidden text was left out, and whether the HTML was longer than is read. */
export const htmlToText = (
  html: string,
): { readonly text: string; readonly hiddenDropped: boolean; readonly truncated: boolean } => {
  const bounded = withinLimits(html);
  const css = [...bounded.matchAll(STYLE_ELEMENT)].map(([, body]) => body ?? '').join('\n');
  const plain = bounded.replace(INHERITED_NAME, '<$1x-constructor');
  const run: Run = { rules: parseSheet(css), looks: new WeakMap(), dropped: false };
  const lines = convert(plain, run)
    .split('\n')
    .map((line) => line.trimEnd());
  const text = lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
  return { text, hiddenDropped: run.dropped, truncated: bounded.length < html.length };
};
