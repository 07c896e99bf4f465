/**
 * WebDAV answers as a tree, read by fast-xml-parser behind a fence.
 *
 * CAL-16  An answer with a DOCTYPE or an ENTITY is refused before it is parsed; no entity but the five of XML is known.
 * CAL-17  Bytes, depth and tags of an answer are bounded, before the parser holds more memory than the cell may.
 */
import { XMLParser } from 'fast-xml-parser';
import { unreadable } from '../failure.js';
import { LIMITS } from '../limits.js';

/** An element by its local name; namespaces are not told apart, for nothing that is read here stands in two of them. */
export interface Element {
  readonly name: string;
  readonly children: readonly Element[];
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Text directly inside, entities resolved. */
  readonly text: string;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const ENTITY = /&(?:(amp|lt|gt|quot|apos)|#([0-9]{1,7})|#x([0-9a-fA-F]{1,6}));/g;

const characterOf = (code: number): string =>
  code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) || code === 0 ? '\ufffd' : String.fromCodePoint(code);

const decode = (text: string): string =>
  text.replace(ENTITY, (_whole, name: string | undefined, decimal: string | undefined, hex: string | undefined) =>
    name !== undefined ? (ENTITIES[name] ?? '') : characterOf(decimal !== undefined ? Number(decimal) : parseInt(hex ?? '0', 16)),
  );

type Node = Readonly<Record<string, unknown>>;

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;
const nodesOf = (value: unknown): readonly Node[] => (Array.isArray(value) ? value.filter(isNode) : []);

/** Text between the tags, in order; what stands in CDATA is not decoded. */
const textOf = (nodes: readonly Node[]): string =>
  nodes
    .map((node) => {
      if (typeof node['#text'] === 'string') return decode(node['#text']);
      return '#cdata' in node
        ? nodesOf(node['#cdata'])
            .map((inner) => (typeof inner['#text'] === 'string' ? inner['#text'] : ''))
            .join('')
        : '';
    })
    .join('');

const elementsOf = (nodes: readonly Node[], depth = 1): Element[] => {
  if (depth > LIMITS.maxXmlDepth + 1) throw unreadable('an answer is nested too deep');
  return nodes.flatMap((node) => {
    const [name] = Object.keys(node).filter((key) => key !== ':@');
    if (name === undefined || name.startsWith('#') || name.startsWith('?')) return [];
    const inner = nodesOf(node[name]);
    const attributes = isNode(node[':@']) ? node[':@'] : {};
    return [{ name: name.toLowerCase(), children: elementsOf(inner, depth + 1), attributes, text: textOf(inner) }];
  });
};

const parser = new XMLParser({
  preserveOrder: true,
  // No other attribute is read, and a million of them would be kept.
  ignoreAttributes: (name: string) => name !== 'name',
  attributeNamePrefix: '',
  parseAttributeValue: false,
  removeNSPrefix: true,
  parseTagValue: false,
  trimValues: false,
  processEntities: false,
  htmlEntities: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  cdataPropName: '#cdata',
  maxNestedTags: LIMITS.maxXmlDepth,
});

const DECLARATION = /^\ufeff?\s*<\?xml(?:\s+[a-z]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*'))*\s*\?>/;

/** Where the tag at `start` ends, a `>` in quotes passed over as the parser does; -1 where it has none nearby. */
const tagEnd = (text: string, start: number): number => {
  const end = Math.min(text.length, start + LIMITS.maxXmlTagChars);
  let quote = '';
  for (let at = start; at < end; at += 1) {
    const character = text.charAt(at);
    if (quote !== '') quote = character === quote ? '' : quote;
    else if (character === '>') return at;
    else if (character === '"' || character === "'") quote = character;
  }
  return -1;
};

/** The last character of what begins with the `<` at `start`; -1 where it is broken off, too long or not of our kind. */
const markupEnd = (text: string, start: number): number => {
  if (text.startsWith('<!--', start)) return text.indexOf('-->', start + 4);
  if (text.startsWith('<![CDATA[', start)) return text.indexOf(']]>', start + 9);
  if (text.startsWith('</', start)) return text.indexOf('>', start);
  return /[!?]/.test(text.charAt(start + 1)) ? -1 : tagEnd(text, start);
};

/** CAL-17. @throws AirlockError UPSTREAM_REFUSED for more tags, or longer ones, than a server has reason to send. */
const checkTags = (text: string): void => {
  let tags = 0;
  let at = text.indexOf('<', DECLARATION.exec(text)?.[0].length ?? 0);
  while (at !== -1) {
    tags += 1;
    const end = markupEnd(text, at);
    if (end === -1 || tags > LIMITS.maxXmlTags) throw unreadable('an answer is no XML, or has too many or too long tags');
    at = text.indexOf('<', end);
  }
};

/** @throws AirlockError UPSTREAM_REFUSED for a DOCTYPE, what is too large or too deep, and what is no XML. */
export const parseXml = (bytes: Buffer): Element => {
  if (bytes.length > LIMITS.maxXmlBytes) throw unreadable('an answer is too large');
  const text = bytes.toString('utf8');
  if (/<!\s*(?:DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)/i.test(text)) throw unreadable('an answer declares a DOCTYPE');
  // fast-xml-parser takes what was broken off for whole.
  if (!/(?:<\/[^<>]{1,200}|\/)>\s*$/.test(text.slice(-300))) throw unreadable('an answer is no XML');
  checkTags(text);
  let roots: Element[];
  try {
    roots = elementsOf(nodesOf(parser.parse(text)));
  } catch {
    throw unreadable('an answer is no XML, or nested too deep');
  }
  const [root] = roots;
  if (root === undefined || roots.length !== 1) throw unreadable('an answer is no XML');
  return root;
};

/** The first element of a name directly inside. */
export const childOf = (element: Element, name: string): Element | undefined =>
  element.children.find((child) => child.name === name);

export const childrenOf = (element: Element, name: string): readonly Element[] =>
  element.children.filter((child) => child.name === name);
