// The manual: what is committed is what the tables give, and it names every command, flag, key and example there is.
import { PROGRAM as AGENT_PROGRAM } from '@airlock/cli';
import { manualPages, PROGRAM as OPERATOR_PROGRAM } from '@airlock/ctl';
import { commandPage, isCommandLine, parseFlag, visible, type Program } from '@airlock/protocol/command';
import { checkout } from '@airlock/testkit';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

const folder = join(checkout, 'docs/man');
const pages: Readonly<Record<string, string>> = { 'airlock.1': commandPage(AGENT_PROGRAM), ...manualPages() };
const programs: readonly Program<never>[] = [AGENT_PROGRAM, OPERATOR_PROGRAM];
const plain = (text: string): string =>
  text
    .replaceAll(/\\f[BIR]/g, '')
    .replaceAll('\\-', '-')
    .replaceAll('\\(aq', "'")
    .replaceAll('\\e', '\\');

t.test('docs/man holds what the tables give; after a change of a table: npm run man', async (t) => {
  t.same(readdirSync(folder).sort(), Object.keys(pages).sort());
  for (const [name, text] of Object.entries(pages)) t.equal(readFileSync(join(folder, name), 'utf8'), text, name);
});

t.test('every command and flag is in its page', async (t) => {
  for (const program of programs) {
    const page = plain(pages[`${program.name}.1`] ?? '');
    for (const { name, flags = [] } of visible(program)) {
      t.match(page, `\n${name}`, `${program.name} ${name}`);
      for (const flag of flags) t.match(page, parseFlag(flag).long, `${program.name} ${name} ${flag.flags}`);
    }
    for (const { name } of program.commands.filter(({ hidden }) => hidden === true))
      t.notMatch(page, `\n${name}`, `${name} is not told`);
  }
});

const split = (line: string): string[] => [...line.matchAll(/'[^']*'|\S+/g)].map(([word]) => word);

t.test('every example is a command that exists, with flags it has', async (t) => {
  for (const program of programs) {
    for (const { line } of program.examples) {
      const words = split(line.replace(/^sudo /, ''));
      t.equal(words.shift(), program.name);
      t.ok(isCommandLine(program, words), line);
    }
  }
  t.notOk(isCommandLine(OPERATOR_PROGRAM, ['revoke', '--everything']), 'negative control: a flag that is not there');
  t.notOk(isCommandLine(OPERATOR_PROGRAM, ['service', 'add']), 'negative control: an argument that is missing');
  t.notOk(isCommandLine(OPERATOR_PROGRAM, ['frobnicate']), 'negative control: no command');
});

t.test('pages refer to pages that are there', async (t) => {
  for (const [file, text] of Object.entries(pages)) {
    const named = [...plain(text).matchAll(/\b(airlock[a-z.-]*)\(([158])\)/g)].map(
      ([, name, section]) => `${name ?? ''}.${section ?? ''}`,
    );
    t.ok(named.length > 0, `${file} has a SEE ALSO`);
    for (const name of named) t.ok(name in pages, `${file}: ${name}`);
  }
});
