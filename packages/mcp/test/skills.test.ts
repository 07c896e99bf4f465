/** Skills: advice of the operator with the tools it bundles. SKILL-1 to SKILL-4. */
import { GMAIL, NOTES } from '@airlock/client/test/fake-gateway';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { matching } from '../src/skills/globs.js';
import { SkillProblem, parseSkill } from '../src/skills/parse.js';
import { readSkills } from '../src/skills/read.js';
import { open } from './stdio.js';

const SAMPLES = fileURLToPath(new URL('../../../../docs/skills', import.meta.url));
const skill = (name: string, more = ''): string =>
  `---\nname: ${name}\ndescription: For a test\ntools: [gmail.*]\n${more}---\nDo it well.\n`;

/** A configuration directory with these skill files. */
const withSkills = (test: Test, files: Readonly<Record<string, string>>): string => {
  const dir = test.testdir({});
  const skills = join(dir, 'skills');
  mkdirSync(skills, { mode: 0o755 });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(skills, name), text, { mode: 0o644 });
  return dir;
};

const problemOf = (source: string): string => {
  try {
    parseSkill(source);
    return 'none';
  } catch (thrown) {
    return thrown instanceof SkillProblem ? `${thrown.line}: ${thrown.message}` : String(thrown);
  }
};

t.test('listed, activated, its tools described; only for its roles, only what the role may get. SKILL-4', async (test) => {
  const configDir = withSkills(test, {
    'mail-triage.md':
      '---\nname: mail-triage\ndescription: "Sort: the mail"\ntools:\n  - gmail.*_unread\n  - bank.pay\n---\nCount first.\n\nThen stop.\n',
    'others.md': skill('others', 'roles: [mailer]\n'),
    'broken.md': skill('broken', 'colour: red\n'),
  });
  const { tool } = await open(test, { services: [GMAIL, NOTES], configDir });
  const line = { name: 'mail-triage', description: 'Sort: the mail' };
  const problems = [/broken\.md:5: expected one of name, description, tools, roles/];
  const list = await tool('activate_skill');
  test.same(list.structured['skills'], [line], 'the skill of another role is not shown');
  test.match(list.structured, { problems });
  test.match((await tool('list_services')).structured, { skills: [line], problems });
  const activated = await tool('activate_skill', { name: 'mail-triage' });
  test.match(activated.structured, { ...line, advice: 'Count first.\n\nThen stop.', unmatched: ['bank.pay'], omitted: [] });
  test.match(activated.structured['tools'], [{ service: 'gmail', operation: 'count_unread', params: { type: 'object' } }]);
  test.equal((activated.structured['tools'] as unknown[]).length, 1);
  test.match(activated.text, /Advice of the operator for mail-triage/);
  test.match((await tool('activate_skill', { name: 'others' })).structured, {
    error: { code: 'NOT_FOUND', expected: 'mail-triage' },
  });
});

t.test('the samples of docs/skills are right', async (test) => {
  const dir = test.testdir({});
  cpSync(SAMPLES, join(dir, 'skills'), { recursive: true });
  for (const file of readdirSync(join(dir, 'skills'))) chmodSync(join(dir, 'skills', file), 0o644);
  chmodSync(join(dir, 'skills'), 0o755);
  const { skills, problems } = readSkills(dir);
  test.same(problems, []);
  test.same(
    skills.map(({ name }) => name),
    ['mail-triage', 'week-planning'],
  );
});

t.test('SKILL-2 what is wrong with a file, by line', async (test) => {
  const cases: [string, RegExp][] = [
    ['', /^1: expected --- as the first line/],
    ['---\nname: a\n', /^1: expected a second line ---/],
    ['---\nname: a\nname: b\ndescription: d\ntools: [a.b]\n---\nx', /^3: name stands twice/],
    ['---\nname: A b\ndescription: d\ntools: [a.b]\n---\nx', /^2: name: expected lower-case/],
    ['---\nname: a\ndescription: &anchor d\ntools: [a.b]\n---\nx', /^3: expected a text on one line/],
    ['---\nname: a\ndescription: d\ntools: *all\n---\nx', /^4: expected a text on one line/],
    ['---\nname: a\ndescription: d\ntools: [a.b\n---\nx', /^4: a list ends with ]/],
    ['---\nname: a\ndescription: d\ntools: []\n---\nx', /^4: tools: expected a list of 1 to 64/],
    ['---\nname: a\ndescription: d\ntools:\n---\nx', /^4: expected a value, or a list below/],
    ['---\nname: a\ndescription: d\ntools: [../etc]\n---\nx', /^4: tools: expected a list/],
    ['---\nname: a\ndescription: d\ntools: ["a.****"]\n---\nx', /^4: tools: expected a list/],
    ['---\nname: a\ndescription: d\n  nested: x\ntools: [a.b]\n---\nx', /^4: expected one of name/],
    ['---\nname: a\ndescription: d\n---\nx', /^1: tools is missing/],
    ['---\nname: a\ndescription: d\ntools: [a.b]\n---\n \n', /^5: expected the advice/],
    [`---\nname: a\ndescription: d\ntools: [a.b]\n---\nx\u202ey`, /^6: a control, hidden or direction character/],
    [`---\nname: a\ndescription: "d" e\ntools: [a.b]\n---\nx`, /^3: a quoted text ends on its line/],
    [`---\nname: a\ndescription: ${'d'.repeat(301)}\ntools: [a.b]\n---\nx`, /^3: description: expected at most 300/],
    [`---\nname: a\ndescription: d\ntools: [${Array(65).fill('a.b').join(', ')}]\n---\nx`, /^4: tools/],
    [`---\n${'# x\n'.repeat(200)}---\nx`, /^1: expected a second line --- within 128/],
  ];
  for (const [source, expected] of cases) test.match(problemOf(source), expected, JSON.stringify(source.slice(0, 80)));
  test.equal(problemOf(skill('a')), 'none', 'negative control');
});

t.test('SKILL-2 any text is parsed or refused with a line of it, in time', async (test) => {
  const piece = fc.constantFrom(
    '---\n',
    'name: a\n',
    'tools: [',
    '"',
    '- ',
    'a.b',
    '*',
    ': ',
    '\n',
    ']',
    '&x',
    '\u0000',
    ' ',
    '#',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 60 }), (pieces) => {
      const source = pieces.join('');
      const problem = problemOf(source);
      const [, line = '1'] = /^(\d+): /.exec(problem) ?? [];
      return (problem === 'none' || /^\d+: \S/.test(problem)) && Number(line) <= source.split('\n').length + 1;
    }),
  );
  const started = process.hrtime.bigint();
  problemOf(`---\nname: ${'a'.repeat(60_000)}\n---\n`);
  matching([`${'a*'.repeat(3)}.${'b*'.repeat(3)}`], [`${'a'.repeat(64)}.${'b'.repeat(64)}`]);
  test.ok(process.hrtime.bigint() - started < 2_000_000_000n);
});

t.test('SKILL-1 links, writable files, pipes, large and strangely named ones are told of and not read. SKILL-3', async (test) => {
  const dir = withSkills(test, { 'good.md': skill('good'), 'open.md': skill('open'), 'other-name.md': skill('mine') });
  const at = (name: string): string => join(dir, 'skills', name);
  chmodSync(at('open.md'), 0o666);
  symlinkSync(at('good.md'), at('link.md'));
  symlinkSync('/etc/hostname', at('outside.md'));
  writeFileSync(at('huge.md'), 'x'.repeat(65 * 1024), { mode: 0o644 });
  writeFileSync(at('bytes.md'), Buffer.from([0xff, 0xfe, 0x00]), { mode: 0o644 });
  writeFileSync(at('No Name.md'), skill('x'), { mode: 0o644 });
  mkdirSync(at('folder.md'));
  execFileSync('mkfifo', [at('pipe.md')]);
  const { skills, problems } = readSkills(dir);
  test.same(
    skills.map(({ name }) => name),
    ['good'],
    'negative control: the good one is there',
  );
  const told = problems.join('\n');
  for (const expected of [
    /open\.md:1: can be written by others/,
    /link\.md:1: is a link/,
    /outside\.md:1: is a link/,
    /huge\.md:1: is larger than/,
    /bytes\.md:1: is no UTF-8/,
    /folder\.md:1: is no regular file/,
    /pipe\.md:1: is no regular file/,
    /other-name\.md:1: name: expected other-name/,
    /1 files are not called like a skill/,
  ])
    test.match(told, expected);
  chmodSync(join(dir, 'skills'), 0o777);
  test.match(readSkills(dir), { skills: [], problems: [/can be written by others/] });
  test.same(readSkills(join(dir, 'nowhere')), { skills: [], problems: [] });
});

/** Only root can be somebody else, or give files away; for others there is no such test. */
const asRoot = (name: string, run: (t: Test) => Promise<void>): void => {
  if (process.geteuid?.() === 0) void t.test(name, run);
};

asRoot(
  'SKILL-1 none of another user',

  async (test) => {
    const dir = withSkills(test, { 'mine.md': skill('mine'), 'theirs.md': skill('theirs') });
    chownSync(join(dir, 'skills', 'theirs.md'), 65534, 65534);
    const { skills, problems } = readSkills(dir);
    test.match(skills, [{ name: 'mine' }]);
    test.match(problems, [/theirs\.md:1: belongs neither to root nor to the owner of the configuration/]);
    chownSync(join(dir, 'skills'), 65534, 65534);
    test.match(readSkills(dir), { skills: [], problems: [/skills:1: belongs neither/] });
  },
);

t.test('SKILL-1 no more than 64 files', async (test) => {
  const names = Array.from({ length: 70 }, (_, index) => `s-${String(index).padStart(2, '0')}`);
  const dir = withSkills(test, Object.fromEntries(names.map((name) => [`${name}.md`, skill(name)])));
  const { skills, problems } = readSkills(dir);
  test.equal(skills.length, 64);
  test.match(problems, [/more than 64 skills/]);
});
