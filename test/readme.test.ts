// README.md is true to the code: the commands it names exist, the errors it quotes are in the programs.
import { checkout } from '@airlock/testkit';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { blocksOf, GAP, settled, typed } from './system/walk-script.js';

const readme = readFileSync(join(checkout, 'README.md'), 'utf8');
const bundle = (name: string): string => join(checkout, 'dist/lib', `${name}.cjs`);

/** First words after the program's name, in code and in sentences alike. */
const wordsAfter = (program: string): string[] => [
  ...new Set([...readme.matchAll(new RegExp(`(?:^|[\`$ ])${program} ([a-z]+)\\b`, 'gm'))].map(([, word]) => word ?? '')),
];
const isCommand = (program: string, word: string): boolean =>
  spawnSync(process.execPath, [bundle(program), 'help', word], { encoding: 'utf8' }).status === 0;

t.test('every airlock-ctl command of the README exists', async (t) => {
  const words = wordsAfter('airlock-ctl');
  t.ok(words.length >= 8, words.join(' '));
  for (const word of words) t.ok(isCommand('airlock-ctl', word), word);
  t.notOk(isCommand('airlock-ctl', 'nosuch'), 'negative control');
});

t.test('every error the README quotes is one the programs print', async (t) => {
  const programs = ['airlock-totp', 'airlock-gateway', 'airlock-ctl', 'airlock']
    .map((name) => readFileSync(bundle(name), 'utf8'))
    .join('\n');
  const quoted = [...readme.matchAll(/airlock: error: ([a-z ]{12,}?)(?: \(|$)/gm)].map(([, text]) => text ?? '');
  t.ok(quoted.length >= 3, quoted.join('; '));
  // A name put in by the program stands between the fixed words: each run of four words is looked for.
  for (const text of quoted) t.ok(programs.includes(text.split(' ').slice(0, 4).join(' ')), text);
});

t.test('every file the README links to is there', async (t) => {
  const links = [...readme.matchAll(/\]\(([^)#]+)\)/g)].map(([, path]) => path ?? '').filter((path) => !path.startsWith('http'));
  t.ok(links.length >= 4);
  for (const path of links) t.ok(existsSync(join(checkout, path)), path);
});

const WALKS = { 'The first hour': 'hour', 'Set up an agent': 'agent', 'When it goes wrong': 'wrong' } as const;

/** Screens of a walk as the system test kept them, a command's terminal after another. */
const goldenScreens = (slug: string): string[] =>
  readdirSync(join(checkout, 'test/golden/walk'))
    .filter((name) => name.startsWith(`${slug}-`))
    .flatMap((name) =>
      readFileSync(join(checkout, 'test/golden/walk', name), 'utf8')
        .trimEnd()
        .split('\n'),
    );

/** A line stands on a screen as it is, or as the question it answers unseen. */
const isShown = (line: string, screen: readonly string[]): boolean => {
  const wanted = settled(line);
  return screen.some((shown) => shown === wanted || (/[:?]$/.test(shown) && wanted.startsWith(`${shown} `)));
};

t.test('every line of the walk stands on a screen that was kept of it', async (t) => {
  for (const [heading, slug] of Object.entries(WALKS)) {
    const screen = goldenScreens(slug);
    const lines = blocksOf(readme, heading).flatMap((block) => block.lines.filter((line) => line !== GAP));
    t.ok(lines.some((line) => typed(line) !== null));
    t.same(
      lines.filter((line) => !isShown(line, screen)),
      [],
      heading,
    );
    t.notOk(isShown('airlock: everything is fine', screen), 'negative control');
  }
});
