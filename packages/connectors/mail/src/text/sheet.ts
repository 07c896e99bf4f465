/** The rules of `<style>` elements, as far as simple selectors go: tag, .class, #id, and those below one another. */
import { overlay, parseDeclarations, type Declarations } from './style.js';

/** The part of a DOM node that selectors look at. */
export interface StyledNode {
  readonly name?: string;
  readonly attribs?: Readonly<Record<string, string>>;
  readonly parent?: StyledNode | null;
}

interface Compound {
  readonly tag: string | null;
  readonly id: string | null;
  readonly classes: readonly string[];
}

interface Rule {
  readonly path: readonly Compound[];
  readonly style: Declarations;
}

const MAX_RULES = 400;
const MAX_CHARS = 200_000;

const parseCompound = (text: string): Compound | null => {
  const found = /^([a-z][a-z0-9]*|\*)?((?:[.#][\w-]+)*)$/i.exec(text);
  if (!found || text === '') return null;
  const marks = found[2]?.match(/[.#][\w-]+/g) ?? [];
  const id = marks.find((mark) => mark.startsWith('#'));
  return {
    tag: found[1] === undefined || found[1] === '*' ? null : found[1].toLowerCase(),
    id: id?.slice(1) ?? null,
    classes: marks.filter((mark) => mark.startsWith('.')).map((mark) => mark.slice(1)),
  };
};

const parsePath = (selector: string): readonly Compound[] | null => {
  const path = selector
    .trim()
    .split(/[\s>]+/)
    .map(parseCompound);
  return path.length <= 6 && path.every((compound) => compound !== null) ? path : null;
};

/** Rules of style texts in order; those inside @media and other blocks are left out. */
export const parseSheet = (css: string): readonly Rule[] => {
  const plain = css
    .slice(0, MAX_CHARS)
    .replace(/\/\*[\s\S]*?(?:\*\/|$)|<!--|-->/g, '')
    .replace(/@[^{};]{0,300}\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}|@[^;{}]{0,300};/g, '');
  const rules: Rule[] = [];
  for (const chunk of plain.split('}')) {
    const open = chunk.indexOf('{');
    const selectors = chunk.slice(0, Math.max(0, open)).slice(0, 2000);
    const body = open < 0 ? '' : chunk.slice(open + 1);
    const style = parseDeclarations(body);
    if (style.size === 0) continue;
    for (const selector of selectors.split(',')) {
      const path = parsePath(selector);
      if (path && rules.length < MAX_RULES) rules.push({ path, style });
    }
  }
  return rules;
};

const fits = (node: StyledNode, compound: Compound): boolean => {
  if (compound.tag !== null && compound.tag !== node.name) return false;
  if (compound.id !== null && compound.id !== node.attribs?.['id']) return false;
  if (compound.classes.length === 0) return true;
  const own = (node.attribs?.['class'] ?? '').slice(0, 2000).split(/\s+/);
  return compound.classes.every((name) => own.includes(name));
};

const fitsPath = (node: StyledNode, path: readonly Compound[]): boolean => {
  const last = path.at(-1);
  if (!last || !fits(node, last)) return false;
  let left = path.length - 2;
  for (let above = node.parent; above && left >= 0; above = above.parent) {
    const compound = path[left];
    if (compound && fits(above, compound)) left -= 1;
  }
  return left < 0;
};

/** Declarations of the rules and of the element's own style attribute. */
export const styleOf = (node: StyledNode, rules: readonly Rule[]): Declarations => {
  let style: Declarations = new Map();
  for (const rule of rules) if (fitsPath(node, rule.path)) style = overlay(style, rule.style);
  const own = node.attribs?.['style'];
  return own === undefined ? style : overlay(style, parseDeclarations(own));
};

export type { Rule };
