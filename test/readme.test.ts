// README.md is true to the code: the commands it names exist, the errors it quotes are in the programs.
import { checkout } from '@airlock/testkit';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

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
