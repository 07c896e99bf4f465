/** The manual page of a command, from its table. */
import { bold, manualPage, type Block, type Span } from './roff.js';
import { parseArgs, parseFlag, visible, type Command, type Flag, type ParsedFlag, type Program } from './table.js';
import { codesOf, EXIT_MEANINGS } from './topics.js';

const plain = (text: string): Span[number] => ({ text, as: 'plain' });
const word = (text: string): Span[number] => ({ text, as: 'bold' });
const placeholder = (text: string): Span[number] => ({ text, as: 'italic' });

const flagSpan = ({ long, short, placeholder: value }: ParsedFlag): Span => [
  ...(short === null ? [] : [word(short), plain(', ')]),
  word(long),
  ...(value === null ? [] : [plain(' '), placeholder(value)]),
];

const argSpan = (args: string | undefined): Span =>
  (args ?? '').split(' ').flatMap((text, at) => {
    const parsed = parseArgs(args)[at];
    if (parsed === undefined) return [];
    const [open, close] = text.startsWith('<') ? ['', ''] : ['[', ']'];
    return [plain(` ${open}`), placeholder(parsed.name), plain(`${parsed.many ? ' ...' : ''}${close}`)];
  });

const usage = <C>({ name, args, flags = [] }: Command<C>): Span => [
  word(name),
  ...argSpan(args),
  ...flags.map(parseFlag).flatMap((flag) => {
    const [open, close] = flag.required === true ? ['', ''] : ['[', ']'];
    return [plain(` ${open}`), ...flagSpan({ ...flag, short: null }), plain(`${close}${flag.many === true ? ' ...' : ''}`)];
  }),
];

const flagTerms = (flags: readonly Flag[]): Block => ({
  terms: flags.map((flag) => [flagSpan(parseFlag(flag)), `${flag.summary}.`]),
});

const commandBlocks = <C>(command: Command<C>): Block[] => [
  { terms: [[usage(command), `${command.summary}.`]] },
  ...(command.flags === undefined ? [] : [{ under: [flagTerms(command.flags)] }]),
];

/** What each status means, for both commands alike. */
const exitStatus: Block = {
  terms: Object.entries(EXIT_MEANINGS).map(([exit, meaning]) => [
    bold(exit),
    [`${meaning}.`, codesOf(Number(exit)).join(', ')].filter((text) => text !== '').join(' '),
  ]),
};

const pairs = (rows: readonly (readonly [string, string])[]): Block => ({
  terms: rows.map(([term, text]) => [bold(term), `${text}.`]),
});

/** The page of section 1. */
export const commandPage = <C>(program: Program<C>): string =>
  manualPage({
    name: program.name,
    section: program.section,
    title: program.title,
    sections: [
      { head: 'SYNOPSIS', blocks: [[word(program.name), plain(' '), placeholder('command'), plain(' [arguments] [options]')]] },
      { head: 'DESCRIPTION', blocks: program.about },
      { head: 'COMMANDS', blocks: visible(program).flatMap(commandBlocks) },
      {
        head: 'OPTIONS',
        blocks: ['For every command:', flagTerms([...program.globals, { flags: '--help', summary: 'display help' }])],
      },
      { head: 'EXIT STATUS', blocks: [exitStatus] },
      { head: 'ENVIRONMENT', blocks: [pairs(program.environment)] },
      { head: 'FILES', blocks: [pairs(program.files)] },
      { head: 'EXAMPLES', blocks: program.examples.flatMap(({ line, what }) => [`${what}:`, { lines: [line] }]) },
      { head: 'SEE ALSO', blocks: [program.seeAlso.join(', ')] },
    ],
  });
