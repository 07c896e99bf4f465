/**
 * A skill file: front matter between two lines `---`, then the advice.
 *
 * SKILL-2 the front matter is a strict grammar of its own: known keys once each, one-line texts, lists of texts. Nothing of
 *         YAML beyond that: no anchors, no types, no nesting.
 */
import { GLOB, MAX_GLOB_CHARS } from './globs.js';

export interface Skill {
  readonly name: string;
  readonly description: string;
  /** Operations it bundles: `service.operation`, with stars. */
  readonly tools: readonly string[];
  /** Roles it is for; null: all. */
  readonly roles: readonly string[] | null;
  readonly advice: string;
}

/** Where a file is wrong, and how. */
export class SkillProblem extends Error {
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

const MAX_LINES = 128;
const MAX_ITEMS = 64;
const MAX_DESCRIPTION = 300;
const KEYS = ['name', 'description', 'tools', 'roles'] as const;
type Key = (typeof KEYS)[number];
const NAME = /^[a-z][a-z0-9-]{0,63}$/;
const ROLE = /^[a-z][a-z0-9_-]{0,63}$/;
const PLAIN = /^[^\s#&*!|>%@`"'[\]{},][^#]*$/;
/** What would mislead whoever reads the file or the advice: controls, and signs that turn or hide text. */
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/u;

interface Field {
  readonly line: number;
  readonly value: string | readonly string[];
}

const scalar = (source: string, line: number): string => {
  const value = source.trim();
  if (value.startsWith('"')) {
    if (/^"[^"\\]+"$/.test(value)) return value.slice(1, -1);
    throw new SkillProblem(line, 'a quoted text ends on its line, and holds neither " nor \\');
  }
  if (PLAIN.test(value) || GLOB.test(value)) return value;
  throw new SkillProblem(line, 'expected a text on one line; put it between " where it begins with a sign');
};

const inlineList = (source: string, line: number): readonly string[] => {
  const inner = source.trim().slice(1, -1).trim();
  if (!source.trim().endsWith(']')) throw new SkillProblem(line, 'a list ends with ] on its line');
  return inner === '' ? [] : inner.split(',').map((item) => scalar(item, line));
};

const keyOf = (text: string, line: number): readonly [Key, string] => {
  const [, name = '', rest = ''] = /^([a-z]+):(.*)$/.exec(text) ?? [];
  const key = KEYS.find((one) => one === name);
  if (key === undefined) throw new SkillProblem(line, `expected one of ${KEYS.join(', ')}, each followed by a colon`);
  return [key, rest];
};

/** The `- item` lines below a key. */
const itemsBelow = (lines: readonly string[], from: number): readonly string[] => {
  const items: string[] = [];
  for (let at = from; at < lines.length; at += 1) {
    const [, item] = /^ {0,4}- (.+)$/.exec(lines[at] ?? '') ?? [];
    if (item === undefined) break;
    items.push(scalar(item, at + 1));
  }
  return items;
};

const valueAt = (lines: readonly string[], at: number, rest: string): readonly [string | readonly string[], number] => {
  const line = at + 1;
  if (rest.trim().startsWith('[')) return [inlineList(rest, line), 0];
  if (rest.trim() !== '') return [scalar(rest, line), 0];
  const items = itemsBelow(lines, at + 1);
  if (items.length === 0) throw new SkillProblem(line, 'expected a value, or a list below');
  return [items, items.length];
};

const fieldsOf = (lines: readonly string[], end: number): ReadonlyMap<Key, Field> => {
  const fields = new Map<Key, Field>();
  for (let at = 1; at < end; at += 1) {
    const text = lines[at] ?? '';
    if (text.trim() === '' || text.startsWith('#')) continue;
    const [key, rest] = keyOf(text, at + 1);
    if (fields.has(key)) throw new SkillProblem(at + 1, `${key} stands twice`);
    const [value, taken] = valueAt(lines.slice(0, end), at, rest);
    fields.set(key, { line: at + 1, value });
    at += taken;
  }
  return fields;
};

const textOf = (fields: ReadonlyMap<Key, Field>, key: Key, isRight: (value: string) => boolean, expected: string): string => {
  const field = fields.get(key);
  if (field === undefined) throw new SkillProblem(1, `${key} is missing: expected ${expected}`);
  if (typeof field.value === 'string' && isRight(field.value)) return field.value;
  throw new SkillProblem(field.line, `${key}: expected ${expected}`);
};

const listOf = (fields: ReadonlyMap<Key, Field>, key: Key, isRight: (value: string) => boolean, expected: string) => {
  const field = fields.get(key);
  if (field === undefined) return null;
  const { value, line } = field;
  if (typeof value === 'string' || value.length === 0 || value.length > MAX_ITEMS || !value.every(isRight))
    throw new SkillProblem(line, `${key}: expected a list of 1 to ${MAX_ITEMS} ${expected}`);
  return value;
};

const isGlob = (value: string): boolean => value.length <= MAX_GLOB_CHARS && GLOB.test(value);

/** Where the front matter ends. */
const endOf = (lines: readonly string[]): number => {
  if (lines[0] !== '---') throw new SkillProblem(1, 'expected --- as the first line, before name, description and tools');
  const end = lines.indexOf('---', 1);
  if (end < 0 || end > MAX_LINES) throw new SkillProblem(1, `expected a second line --- within ${MAX_LINES} lines`);
  return end;
};

/** @throws SkillProblem with the line */
export const parseSkill = (source: string): Skill => {
  const lines = source.replaceAll('\r\n', '\n').split('\n');
  const hidden = lines.findIndex((line) => HIDDEN.test(line));
  if (hidden >= 0) throw new SkillProblem(hidden + 1, 'a control, hidden or direction character');
  const end = endOf(lines);
  const fields = fieldsOf(lines, end);
  const name = textOf(fields, 'name', (value) => NAME.test(value), 'lower-case letters, digits and hyphens');
  const description = textOf(
    fields,
    'description',
    (value) => value.length <= MAX_DESCRIPTION,
    `at most ${MAX_DESCRIPTION} characters on one line`,
  );
  const tools = listOf(fields, 'tools', isGlob, 'operations such as gmail.search or *.list_*');
  if (tools === null) throw new SkillProblem(1, 'tools is missing: expected a list of operations such as gmail.search');
  const roles = listOf(fields, 'roles', (value) => ROLE.test(value), 'names of roles');
  const advice = lines
    .slice(end + 1)
    .join('\n')
    .trim();
  if (advice === '') throw new SkillProblem(end + 1, 'expected the advice below the front matter');
  return { name, description, tools, roles, advice };
};
