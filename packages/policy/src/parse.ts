/**
 * A policy file, read strictly.
 *
 * PARSE-1  what is wrong is named by file, line, column and key, with what is allowed and what to do; nothing is guessed or skipped.
 * PARSE-2  a plain file of `blocked_commands` loads as it stands: `rules` may be left out.
 */
import { AirlockError, asAirlockError, parseJsonStrict, type Json } from '@airlock/protocol';
import { CONDITION_FORMS, compileCondition } from './condition.js';
import { positionOf } from './positions.js';
import type { Policy } from './rule.js';
import { DAYS, isZone } from './window.js';

/** A policy, and where it was read. */
export type ParsedPolicy = Policy & { readonly file: string };

/** @returns what is allowed, where the value is not; else null */
type Check = (value: Json) => string | null;
type Shape = Readonly<Record<string, Check>>;

interface Problem {
  readonly path: string;
  readonly found: string;
  readonly allowed: string;
}

/** A policy is written by people; a file of this size is a mistake. */
const MAX_TEXT_CHARS = 1_000_000;
const MAX_RULES = 10_000;

const check =
  (allowed: string, accepts: (value: Json) => boolean): Check =>
  (value) =>
    accepts(value) ? null : allowed;
const textUpTo = (max: number): Check =>
  check(
    `a text of 1 to ${max} characters on one line`,
    (value) => typeof value === 'string' && value.length >= 1 && value.length <= max && !/\p{Cc}/u.test(value),
  );
const listOf = (item: Check, max: number, what: string): Check =>
  check(
    `a list of 1 to ${max} ${what}`,
    (value) =>
      Array.isArray(value) && value.length >= 1 && value.length <= max && value.every((one) => item(one as Json) === null),
  );
const oneOf = (...values: readonly string[]): Check => check(values.join(' or '), (value) => values.includes(value as string));
const flag = check('true or false', (value) => typeof value === 'boolean');
const integer = (min: number, max: number): Check =>
  check(
    `a whole number from ${min} to ${max}`,
    (value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max,
  );
const id = check(
  'a lower-case name: letters, digits, - and _',
  (value) => typeof value === 'string' && /^[a-z0-9][a-z0-9_-]{0,63}$/.test(value),
);
const glob = check(
  'a name, * for any text and ? for one character',
  (value) => typeof value === 'string' && /^[A-Za-z0-9_.*?-]{1,128}$/.test(value),
);
const timeOfDay = check('HH:MM', (value) => typeof value === 'string' && /^([01]\d|2[0-3]):[0-5]\d$|^24:00$/.test(value));

const WINDOW: Shape = {
  days: listOf(oneOf(...DAYS), 7, `of ${DAYS.join(', ')}`),
  from: timeOfDay,
  to: timeOfDay,
  zone: check('a time zone as Europe/Berlin', (value) => typeof value === 'string' && value.length <= 64 && isZone(value)),
};
const RATE: Shape = { calls: integer(1, 1_000_000), perS: integer(1, 86_400), per: oneOf('role', 'service', 'operation') };

const isObject = (value: Json): value is Readonly<Record<string, Json>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const foundText = (value: Json): string => JSON.stringify(value).slice(0, 80).toWellFormed();

const shapeProblem = (path: string, value: Json, shape: Shape, required: readonly string[]): Problem | null => {
  if (!isObject(value)) return { path, found: foundText(value), allowed: 'an object' };
  const at = (key: string): string => (path === '' ? key : `${path}.${key}`);
  const stray = Object.keys(value).find((key) => !Object.hasOwn(shape, key));
  if (stray !== undefined)
    return { path: at(stray), found: `the key ${foundText(stray)}`, allowed: Object.keys(shape).join(', ') };
  const missing = required.find((key) => !Object.hasOwn(value, key));
  if (missing !== undefined) return { path, found: `no ${missing}`, allowed: `${required.join(', ')} have to be there` };
  for (const [key, one] of Object.entries(value)) {
    const allowed = shape[key]?.(one) ?? null;
    if (allowed !== null) return { path: at(key), found: foundText(one), allowed };
  }
  return null;
};

const anything: Check = () => null;
const RULE: Shape = {
  id,
  decision: oneOf('allow', 'approval', 'deny'),
  services: listOf(glob, 64, 'names or patterns'),
  operations: listOf(glob, 256, 'names or patterns'),
  classes: listOf(oneOf('read', 'use', 'write'), 3, 'of read, use, write'),
  outward: flag,
  untrusted: flag,
  when: listOf(
    (value) => (typeof value === 'string' && compileCondition(value) !== null ? null : CONDITION_FORMS),
    32,
    `conditions: ${CONDITION_FORMS}`,
  ),
  windows: anything,
  outsideWindows: flag,
  rate: anything,
  maxRisk: check('a number from 0 to 1', (value) => typeof value === 'number' && value >= 0 && value <= 1),
  reason: textUpTo(200),
};

const windowsProblem = (path: string, value: Json | undefined): Problem | null => {
  if (value === undefined) return null;
  if (!Array.isArray(value) || value.length === 0 || value.length > 32)
    return { path, found: foundText(value), allowed: 'a list of 1 to 32 windows' };
  const windows = value as readonly Json[];
  for (const [index, one] of windows.entries()) {
    const problem = shapeProblem(`${path}.${index}`, one, WINDOW, ['zone']);
    if (problem !== null) return problem;
    const { from, to } = one as Readonly<Record<string, Json>>;
    if (from !== undefined && from === to)
      return { path: `${path}.${index}.to`, found: foundText(to), allowed: 'another time than from' };
  }
  return null;
};

const ruleProblem = (path: string, value: Json): Problem | null => {
  const problem = shapeProblem(path, value, RULE, ['id', 'decision']);
  if (problem !== null) return problem;
  const { windows, rate, outsideWindows, decision } = value as Readonly<Record<string, Json>>;
  // More calls would then be allowed more: a rule that counts only takes away.
  if (rate !== undefined && decision === 'allow')
    return { path: `${path}.rate`, found: 'a rate in a rule that allows', allowed: 'with decision deny or approval only' };
  if (outsideWindows !== undefined && windows === undefined)
    return { path: `${path}.outsideWindows`, found: 'no windows', allowed: 'with windows only' };
  return (
    windowsProblem(`${path}.windows`, windows) ??
    (rate === undefined ? null : shapeProblem(`${path}.rate`, rate, RATE, ['calls', 'perS', 'per']))
  );
};

const rulesProblem = (value: Json | undefined): Problem | null => {
  if (value === undefined) return null;
  if (!Array.isArray(value) || value.length > MAX_RULES)
    return { path: 'rules', found: foundText(value), allowed: `a list of at most ${MAX_RULES} rules` };
  const rules = value as readonly Json[];
  const seen = new Set<string>();
  for (const [index, rule] of rules.entries()) {
    const problem = ruleProblem(`rules.${index}`, rule);
    if (problem !== null) return problem;
    const { id: name } = rule as { readonly id: string };
    if (seen.has(name))
      return { path: `rules.${index}.id`, found: foundText(name), allowed: 'a name that no other rule of the file has' };
    seen.add(name);
  }
  return null;
};

const POLICY: Shape = {
  id,
  name: textUpTo(100),
  description: textUpTo(1000),
  status: oneOf('active', 'disabled'),
  blocked_commands: check(
    'a list of commands: a program and words, e.g. "terraform apply"',
    (value) =>
      Array.isArray(value) &&
      value.length <= 1000 &&
      value.every((one) => typeof one === 'string' && one.trim() !== '' && one.length <= 200),
  ),
  rules: anything,
  requireIdentity: flag,
};
const REQUIRED = ['id', 'name', 'description', 'status', 'blocked_commands'];

const broken = (file: string, text: string, { path, found, allowed }: Problem): AirlockError => {
  const { line, column } = positionOf(text, path);
  const key = path === '' ? 'the file' : path;
  return new AirlockError('CONFIG_INVALID', `${file}:${line}:${column}: ${key}: found ${found}, allowed: ${allowed}`, {
    field: key,
    expected: allowed,
    found,
    hint: `correct line ${line} of ${file}, then run: airlock-ctl policy reload`,
  });
};

const parsed = (text: string, file: string): Json => {
  if (text.length > MAX_TEXT_CHARS)
    throw broken(file, '', { path: '', found: `${text.length} characters`, allowed: `at most ${MAX_TEXT_CHARS}` });
  try {
    return parseJsonStrict(Buffer.from(text)) as Json;
  } catch (thrown) {
    const { line, column } = syntaxAt(text);
    const { found = 'a syntax error' } = asAirlockError(thrown).data;
    throw new AirlockError(
      'CONFIG_INVALID',
      `${file}:${line}:${column}: found ${found}, allowed: JSON (RFC 8259) without two equal keys`,
      {
        field: 'the file',
        expected: 'JSON',
        found,
        hint: `correct ${file}, then run: airlock-ctl policy reload`,
      },
    );
  }
};

/** Where the parser of the engine stopped, as far as it says so. */
const syntaxAt = (text: string): { readonly line: number; readonly column: number } => {
  let offset = text.length;
  try {
    JSON.parse(text);
    offset = 0;
  } catch (thrown) {
    const [, at] = /position (\d+)/.exec((thrown as Error).message) ?? [];
    if (at !== undefined) offset = Number(at);
  }
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: before.length - before.lastIndexOf('\n') };
};

/** @throws AirlockError CONFIG_INVALID naming file, line, column, key, what was found and what is allowed */
export const parsePolicyText = (text: string, file: string): ParsedPolicy => {
  const value = parsed(text, file);
  const problem = shapeProblem('', value, POLICY, REQUIRED) ?? rulesProblem((value as Readonly<Record<string, Json>>)['rules']);
  if (problem !== null) throw broken(file, text, problem);
  const policy = value as unknown as Omit<Policy, 'rules'> & Partial<Pick<Policy, 'rules'>>;
  return { ...policy, rules: policy.rules ?? [], file };
};
