// Hostile and random text: patterns, conditions, command lines and files take linear time and say what a plain reading says.
import { AirlockError } from '@airlock/protocol';
import fc from 'fast-check';
import t from 'tap';
import { compileCondition } from '../src/condition.js';
import { compileGlob } from '../src/glob.js';
import { matchCommand, parsePolicyText } from '../src/index.js';

/** Few letters, so that patterns nearly match all the time. */
const nearly = (letters: string, maxLength: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...Array.from(letters)), { maxLength }).map((list) => list.join(''));

/** What a pattern means, letter by letter: slow where stars abound, and plain. */
const globMeans = (pattern: string, text: string): boolean => {
  let ends = new Set([0]);
  const letters = Array.from(text);
  for (const one of pattern) {
    const next = new Set<number>();
    for (const at of ends) {
      if (one === '*') for (let end = at; end <= letters.length; end += 1) next.add(end);
      else if (at < letters.length && (one === '?' || one === letters[at])) next.add(at + 1);
    }
    ends = next;
  }
  return ends.has(letters.length);
};

t.test('a pattern matches what it means', (t) => {
  let matching = 0;
  fc.assert(
    fc.property(nearly('ab*?ü', 12), nearly('abü𝄞', 16), (pattern, text) => {
      const wanted = globMeans(pattern, text);
      if (wanted) matching += 1;
      return compileGlob(pattern)(text) === wanted;
    }),
    { numRuns: 20_000, seed: 1 },
  );
  t.ok(matching > 500, 'many match');
  t.end();
});

/** Milliseconds of processor time, so that what else the machine does is not measured. */
const cpuMs = (work: () => void): number => {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
};
/** The least of three: collecting garbage is nobody's fault. */
const least = (work: () => void): number => Math.min(cpuMs(work), cpuMs(work), cpuMs(work));

/** Each the worst that is known for its kind of matcher, by the length of the text. */
const WORST: Readonly<Record<string, (length: number) => () => void>> = {
  'a star before a long near miss': (length) => {
    const [glob, text] = [compileGlob(`*${'a'.repeat(120)}b`), 'a'.repeat(length)];
    return () => void glob(text);
  },
  'many stars, and no end': (length) => {
    const [glob, text] = [compileGlob(`${'*a'.repeat(60)}*b`), 'a'.repeat(length)];
    return () => void glob(text);
  },
  'many stars in a condition': (length) => {
    const [condition, text] = [compileCondition(`x matches "${'*a?'.repeat(40)}b"`), 'a'.repeat(length)];
    return () => void condition?.({ x: text });
  },
  'a condition of dots': (length) => () => void compileCondition(`${'a.'.repeat(length)}b > 1`),
  'a condition of blanks': (length) => () => void compileCondition(`a ${' '.repeat(length)}= 1`),
  'a condition of quotes': (length) => () => void compileCondition(`a = ${'"\\"'.repeat(length)}`),
  'a command of flags': (length) => {
    const args = Array.from({ length }, (_, n) => (n % 2 === 0 ? '-f' : 'x'));
    return () => void matchCommand(['k x x x x x x x x y'], ['k', ...args]);
  },
  'a file of open brackets': (length) => () => void refusal('['.repeat(length)),
  'a file of quotes': (length) => () => void refusal(`{"a":"${'\\"'.repeat(length)}`),
  'a file of keys': (length) => () => void refusal(`{${Array.from({ length: length / 8 }, (_, n) => `"k${n}":[{}]`).join(',')}}`),
};

const refusal = (text: string): AirlockError | null => {
  try {
    parsePolicyText(text, 'p.json');
    return null;
  } catch (thrown) {
    if (thrown instanceof AirlockError) return thrown;
    throw thrown;
  }
};

/** Eight times the text in not much more than eight times the time: a square would take 64 times as long. */
const isLinear = (worst: (length: number) => () => void): { readonly isLinear: boolean; readonly told: string } => {
  const [short, long] = [least(worst(8000)), least(worst(64_000))];
  return { isLinear: long < 24 * Math.max(short, 1), told: `${short} ms, then ${long} ms` };
};

t.test('nothing takes more than linear time, however hostile the text', (t) => {
  for (const [name, worst] of Object.entries(WORST)) {
    worst(8000)();
    const { isLinear: holds, told } = isLinear(worst);
    t.ok(holds, `${name}: ${told}`);
  }
  const square = (length: number) => () => void /a*b/.test('a'.repeat(length / 4));
  t.notOk(isLinear(square).isLinear, 'negative control: a square is seen');
  t.end();
});

t.test('a random condition is refused or decides, and never throws', (t) => {
  const words = fc.constantFrom(
    'every',
    'amount',
    'a.b',
    'in',
    'not',
    'matches',
    'exists',
    '>',
    '=',
    '!=',
    '1',
    '"a*"',
    '[1]',
    '{}',
    '',
  );
  const texts = fc.oneof(
    fc.array(words, { maxLength: 6 }).map((list) => list.join(' ')),
    fc.string({ unit: 'binary', maxLength: 60 }),
  );
  let conditions = 0;
  fc.assert(
    fc.property(texts, fc.jsonValue(), (text, value) => {
      const condition = compileCondition(text);
      if (condition === null) return true;
      conditions += 1;
      return typeof condition({ amount: value as never, a: { b: value as never } }) === 'boolean';
    }),
    { numRuns: 20_000, seed: 2 },
  );
  t.ok(conditions > 50, `${conditions} were conditions`);
  t.end();
});

t.test('COMMAND-2: no flag, with a value or without, gets a blocked command through', (t) => {
  const word = fc.constantFrom('state', 'rm', 'apply', 'prod', 'x');
  const flag = fc.oneof(
    fc.constantFrom(['-v'], ['--'], ['-chdir=prod'], ['--no-color']),
    word.map((value) => ['-chdir', value]),
  );
  const flags = fc.array(flag, { maxLength: 4 }).map((list) => list.flat());
  fc.assert(
    fc.property(flags, flags, flags, fc.constantFrom('', '/usr/bin/', './'), (a, b, c, folder) => {
      const argv = [`${folder}terraform`, ...a, 'state', ...b, 'rm', ...c];
      return matchCommand(['kubectl delete', 'terraform state rm'], argv) === 'terraform state rm';
    }),
    { numRuns: 20_000, seed: 3 },
  );
  t.end();
});

t.test('COMMAND-2: another word in between is another command', (t) => {
  const attached = fc.constantFrom('-v=1', '-chdir=state', '--color=rm');
  const flags = fc.array(attached, { maxLength: 3 });
  fc.assert(
    fc.property(flags, flags, fc.constantFrom('plan', 'state2', 'STATE', ''), (a, b, other) => {
      return matchCommand(['terraform state rm'], ['terraform', ...a, other, ...b, 'state', 'rm']) === null;
    }),
    { numRuns: 5000, seed: 4 },
  );
  t.end();
});

t.test('a random file is taken or refused with its place, and nothing else happens', (t) => {
  const rule = fc.record(
    {
      id: fc.constantFrom('a', 'B', ''),
      decision: fc.constantFrom('deny', 'allow', 'x'),
      when: fc.jsonValue(),
      rate: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  const policy = fc.record(
    {
      ...{ id: fc.constantFrom('p', 'P'), name: fc.constant('P'), description: fc.constant('d') },
      ...{ status: fc.constantFrom('active', 'off'), blocked_commands: fc.array(fc.string()), rules: fc.array(rule) },
      stray: fc.jsonValue(),
    },
    { requiredKeys: ['id', 'name', 'description', 'status', 'blocked_commands'] },
  );
  const texts = fc.oneof(
    policy.map((one) => JSON.stringify(one, null, 1)),
    fc.string({ unit: 'binary' }),
  );
  let refused = 0;
  fc.assert(
    fc.property(texts, (text) => {
      const found = refusal(text);
      if (found === null) return true;
      refused += 1;
      return found.code === 'CONFIG_INVALID' && /^p\.json:\d+:\d+: /.test(found.message);
    }),
    { numRuns: 5000, seed: 5 },
  );
  t.ok(refused > 1000 && refused < 5000, `${refused} were refused`);
  t.end();
});
