/**
 * The skill files of the operator, read where they stand: by the agent's own process, as its user.
 *
 * SKILL-1 a skill is read only from a regular file, no link, that belongs to root or to whoever owns the configuration and
 *         that nobody else may write, in a directory of which the same holds; at most 64 files of at most 64 KiB.
 * SKILL-3 a file that is wrong is told of, with file and line, and harms no other.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, readdirSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { SkillProblem, parseSkill, type Skill } from './parse.js';

export interface SkillList {
  readonly skills: readonly Skill[];
  /** `file:line: what is wrong`. */
  readonly problems: readonly string[];
}

const MAX_FILES = 64;
const MAX_BYTES = 64 * 1024;
const FILE = /^[a-z][a-z0-9-]{0,63}\.md$/;
const OTHERS_WRITE = 0o022;
const NONE: SkillList = { skills: [], problems: [] };

const codeOf = (thrown: unknown): string => (thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown');

/** What speaks against trusting it; null: nothing. */
const distrust = ({ uid, mode }: Stats, owner: number): string | null => {
  if (uid !== 0 && uid !== owner) return 'belongs neither to root nor to the owner of the configuration';
  return (mode & OTHERS_WRITE) === 0 ? null : 'can be written by others: chmod go-w';
};

const check = (problem: string | null): void => {
  if (problem !== null) throw new SkillProblem(1, problem);
};

const readTrusted = (path: string, owner: number): string => {
  // A pipe put there must not hold up whoever opens it.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(fd);
    check(stats.isFile() ? distrust(stats, owner) : 'is no regular file');
    check(stats.size > MAX_BYTES ? `is larger than ${MAX_BYTES} bytes` : null);
    const bytes = readFileSync(fd);
    check(bytes.length > MAX_BYTES ? `is larger than ${MAX_BYTES} bytes` : null);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } finally {
    closeSync(fd);
  }
};

const REASONS: Readonly<Record<string, string>> = {
  ELOOP: 'is a link',
  EACCES: 'cannot be read by the agent: chmod 0644',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'is no UTF-8',
};

const problemOf = (path: string, thrown: unknown): string => {
  if (thrown instanceof SkillProblem) return `${path}:${thrown.line}: ${thrown.message}`;
  const code = codeOf(thrown);
  return `${path}:1: ${REASONS[code] ?? `cannot be read (${code})`}`;
};

const readOne = (directory: string, file: string, owner: number): Skill => {
  const skill = parseSkill(readTrusted(join(directory, file), owner));
  check(`${skill.name}.md` === file ? null : `name: expected ${file.slice(0, -3)}, as the file is called`);
  return skill;
};

const filesOf = (directory: string): { readonly files: readonly string[]; readonly problems: readonly string[] } => {
  const found = readdirSync(directory)
    .filter((file) => file.endsWith('.md'))
    .sort();
  const named = found.filter((file) => FILE.test(file));
  const strange = found.length - named.length;
  return {
    files: named.slice(0, MAX_FILES),
    problems: [
      ...(strange === 0 ? [] : [`${directory}:1: ${strange} files are not called like a skill: NAME.md, lower case and hyphens`]),
      ...(named.length <= MAX_FILES ? [] : [`${directory}:1: more than ${MAX_FILES} skills; the rest is left out`]),
    ],
  };
};

const readDirectory = (directory: string, owner: number): SkillList => {
  const { files, problems } = filesOf(directory);
  const read = files.map((file): Skill | string => {
    try {
      return readOne(directory, file, owner);
    } catch (thrown) {
      return problemOf(join(directory, file), thrown);
    }
  });
  return {
    skills: read.filter((one) => typeof one !== 'string'),
    problems: [...problems, ...read.filter((one) => typeof one === 'string')],
  };
};

/** The skills below a configuration directory; none where it has none. Never throws. */
export const readSkills = (configDir: string): SkillList => {
  const directory = join(configDir, 'skills');
  try {
    const owner = statSync(configDir).uid;
    const stats = lstatSync(directory);
    check(stats.isDirectory() ? distrust(stats, owner) : 'is no directory');
    return readDirectory(directory, owner);
  } catch (thrown) {
    return codeOf(thrown) === 'ENOENT' ? NONE : { skills: [], problems: [problemOf(directory, thrown)] };
  }
};
