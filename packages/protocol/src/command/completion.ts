/**
 * Completion scripts for three shells, from the command table. Commands and flags stand in the script; values of
 * arguments are asked for at each Tab with `PROGRAM complete SOURCE`. Nothing that a candidate says is expanded by a shell.
 */
import { parseArgs, parseFlag, visible, type Flag, type Program, type ValueSource } from './table.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** Takes the place of candidates where file names are meant. */
const FILES = '@files';
/** A flag whose value cannot be completed still swallows the next word. */
const NOTHING = '-';

interface Word {
  readonly word: string;
  readonly summary: string;
}

/** One case of a shell's `case`: what stands there, and what is then done. */
interface Case {
  readonly when: readonly string[];
  readonly value: string;
}

/** Everything a shell has to know. Places are words joined by a space, the root is the empty text. */
interface Model {
  readonly name: string;
  /** Of the shell's functions: `_airlock_ctl`. */
  readonly id: string;
  readonly places: readonly string[];
  /** `PLACE/FLAG` → name of the source of its value. */
  readonly flagValues: readonly Case[];
  /** `PLACE/N` → source of its Nth argument; `PLACE/*` for one that repeats. */
  readonly argValues: readonly Case[];
  readonly words: readonly { readonly place: string; readonly words: readonly Word[] }[];
  /** Sources whose words never change. */
  readonly fixed: readonly { readonly name: string; readonly words: readonly string[] }[];
}

const places = <C>(program: Program<C>): string[] => [
  ...new Set(visible(program).flatMap(({ name }) => [name.split(' ')[0] ?? '', name])),
];

const sourceName = (placeholder: string, source: ValueSource | undefined): string => {
  if (source === undefined) return NOTHING;
  if (source === 'files') return FILES;
  return 'ask' in source ? `ask:${source.ask}` : `fixed:${placeholder}`;
};

const wordsAt = <C>(program: Program<C>, place: string): Word[] => {
  const commands = visible(program);
  const deeper = places(program).filter((one) => one !== place && one.split(' ').slice(0, -1).join(' ') === place);
  const children = deeper.map((path) => ({
    word: path.split(' ').at(-1) ?? '',
    summary: commands.find(({ name }) => name === path)?.summary ?? program.groups[path] ?? '',
  }));
  const flags = [...(commands.find(({ name }) => name === place)?.flags ?? []), ...program.globals];
  return [...children, ...flags.map(parseFlag).map(({ long, summary }) => ({ word: long, summary })), HELP];
};
const HELP: Word = { word: '--help', summary: 'display help' };

const modelOf = <C>(program: Program<C>): Model => {
  const source = (command: string, placeholder: string): string => {
    const key = `${command} ${placeholder}`;
    return key in program.values ? sourceName(key, program.values[key]) : sourceName(placeholder, program.values[placeholder]);
  };
  const flagCases = (place: string, command: string, flags: readonly Flag[]): Case[] =>
    flags.map(parseFlag).flatMap(({ long, short, placeholder }) =>
      placeholder === null
        ? []
        : [
            {
              when: [long, ...(short === null ? [] : [short])].map((flag) => `${place}/${flag}`),
              value: source(command, placeholder),
            },
          ],
    );
  return {
    name: program.name,
    id: `_${program.name.replaceAll('-', '_')}`,
    places: places(program),
    flagValues: [
      ...visible(program).flatMap(({ name, flags = [] }) => flagCases(name, name, flags)),
      ...flagCases('*', '', program.globals),
    ],
    argValues: visible(program)
      .flatMap(({ name, args }) =>
        parseArgs(args).map((arg, at) => ({ when: [`${name}/${arg.many ? '*' : at}`], value: source(name, arg.name) })),
      )
      .filter(({ value }) => value !== NOTHING),
    words: ['', ...places(program)].map((place) => ({ place, words: wordsAt(program, place) })),
    fixed: Object.entries(program.values).flatMap(([name, values]) =>
      Array.isArray(values) ? [{ name, words: values as readonly string[] }] : [],
    ),
  };
};

const single = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const listed = (words: readonly Word[]): string => words.map(({ word, summary }) => single(`${word}\t${summary}`)).join(' ');

type Words = readonly (readonly [place: string, words: readonly Word[]])[];
const isFlag = ({ word }: Word): boolean => word.startsWith('-');
const commandsOf = (words: Model['words']): Words =>
  words
    .map(({ place, words: own }): Words[number] => [place, own.filter((word) => !isFlag(word))])
    .filter(([, own]) => own.length > 0);
const flagsOf = (words: Model['words']): Words => words.map(({ place, words: own }) => [place, own.filter(isFlag)]);

/** A pattern of a shell's case: everything literal but a star at either end. */
const pattern = (text: string, quote: (text: string) => string): string => {
  if (text.startsWith('*')) return `*${quote(text.slice(1))}`;
  return text.endsWith('/*') ? `${quote(text.slice(0, -1))}*` : quote(text);
};

/** What bash and zsh have in common. `at` and not `path`, which zsh ties to PATH. */
const posixList = ({ id, name, places: all, flagValues, argValues, words, fixed }: Model): string[] => {
  const cases = (list: readonly Case[]): string[] =>
    list.map(({ when, value }) => `      ${when.map((one) => pattern(one, single)).join('|')}) value=${single(value)} ;;`);
  return [
    `${id}_values() {`,
    '  case "$1" in',
    ...fixed.map((one) => `    ${single(`fixed:${one.name}`)}) printf '%s\\n' ${one.words.map(single).join(' ')} ;;`),
    `    ask:*) ${name} complete "\${1#ask:}" 2>/dev/null </dev/null ;;`,
    `    ${single(FILES)}) printf '%s\\n' ${single(FILES)} ;;`,
    '  esac',
    '}',
    '# The words before the cursor as arguments; prints candidates, each with its summary behind a tab.',
    `${id}_list() {`,
    "  local at='' n=0 value='' word",
    '  for word in "$@"; do',
    "    if [[ $word == '=' ]]; then continue; fi",
    "    if [[ -n $value ]]; then value=''; continue; fi",
    '    if [[ $word == -* ]]; then case "$at/$word" in',
    ...cases(flagValues),
    '    esac; continue; fi',
    '    case "$n/${at:+$at }$word" in',
    `      ${all.map((place) => single(`0/${place}`)).join('|')}) at="\${at:+$at }$word" ;;`,
    '      *) n=$((n + 1)) ;;',
    '    esac',
    '  done',
    `  if [[ -n $value ]]; then ${id}_values "$value"; return; fi`,
    '  if [[ $n == 0 ]]; then case "$at" in',
    ...commandsOf(words).map(([place, own]) => `      ${single(place)}) printf '%s\\n' ${listed(own)} ;;`),
    '  esac; fi',
    '  case "$at" in',
    ...flagsOf(words).map(([place, own]) => `      ${single(place)}) printf '%s\\n' ${listed(own)} ;;`),
    '  esac',
    '  case "$at/$n" in',
    ...cases(argValues),
    '  esac',
    `  if [[ -n $value ]]; then ${id}_values "$value"; fi`,
    '}',
  ];
};

const bash = (model: Model): string[] => [
  `# bash completion of ${model.name}: eval "$(${model.name} completion bash)"`,
  ...posixList(model),
  `${model.id}() {`,
  '  local current=${COMP_WORDS[COMP_CWORD]} line',
  "  if [[ $current == '=' ]]; then current=''; fi",
  '  COMPREPLY=()',
  '  while IFS= read -r line; do',
  "    line=${line%%$'\\t'*}",
  `    if [[ $line == ${single(FILES)} ]]; then while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$current")`,
  '    elif [[ $line == "$current"* ]]; then COMPREPLY+=("$line"); fi',
  `  done < <(${model.id}_list "\${COMP_WORDS[@]:1:COMP_CWORD-1}")`,
  '}',
  `complete -F ${model.id} ${model.name}`,
];

const zsh = (model: Model): string[] => [
  `#compdef ${model.name}`,
  `# zsh completion of ${model.name}: source <(${model.name} completion zsh)`,
  ...posixList(model),
  `${model.id}() {`,
  '  local line',
  '  local -a found shown',
  '  while IFS= read -r line; do',
  `    if [[ $line == ${single(FILES)} ]]; then _files; continue; fi`,
  '    found+=("${line%%$\'\\t\'*}")',
  '    shown+=("${line/$\'\\t\'/  }")',
  `  done < <(${model.id}_list "\${(@)words[2,CURRENT-1]}")`,
  '  if (( $#found )); then compadd -l -d shown -a -- found; fi',
  '}',
  `if [[ $funcstack[1] == _${model.name} ]]; then ${model.id} "$@"; else compdef ${model.id} ${model.name}; fi`,
];

/** fish knows two escapes in single quotes: the quote and the backslash. */
const fishQuote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

const fish = ({ id, name, places: all, flagValues, argValues, words, fixed }: Model): string[] => {
  const lines = (own: readonly Word[]): string =>
    own.map(({ word, summary }) => `${fishQuote(word)}\\t${fishQuote(summary)}`).join(' ');
  // A star of fish's case is a star inside quotes too.
  const cases = (list: readonly Case[]): string[] =>
    list.map(({ when, value }) => `        case ${when.map(fishQuote).join(' ')}; set value ${fishQuote(value)}`);
  return [
    `# fish completion of ${name}: ${name} completion fish | source`,
    `function _${id}_values`,
    '    switch $argv[1]',
    ...fixed.map((one) => `        case ${fishQuote(`fixed:${one.name}`)}; printf '%s\\n' ${one.words.map(fishQuote).join(' ')}`),
    `        case 'ask:*'; ${name} complete (string replace 'ask:' '' -- $argv[1]) 2>/dev/null </dev/null`,
    `        case ${fishQuote(FILES)}; __fish_complete_path (commandline -ct)`,
    '    end',
    'end',
    `function _${id}_list`,
    "    set -l at ''; set -l n 0; set -l value ''",
    '    set -l typed (commandline -opc); set -e typed[1]',
    '    for word in $typed',
    '        if test -n "$value"; set value \'\'; continue; end',
    '        if string match -q -- \'-*\' $word; switch "$at/$word"',
    ...cases(flagValues),
    '        end; continue; end',
    '        set -l next (string trim -- "$at $word")',
    '        switch "$n/$next"',
    `            case ${all.map((place) => fishQuote(`0/${place}`)).join(' ')}; set at $next`,
    "            case '*'; set n (math $n + 1)",
    '        end',
    '    end',
    `    if test -n "$value"; _${id}_values $value; return; end`,
    '    if test $n = 0; switch "$at"',
    ...commandsOf(words).map(([place, own]) => `        case ${fishQuote(place)}; printf '%s\\n' ${lines(own)}`),
    '    end; end',
    '    switch "$at"',
    ...flagsOf(words).map(([place, own]) => `        case ${fishQuote(place)}; printf '%s\\n' ${lines(own)}`),
    '    end',
    '    switch "$at/$n"',
    ...cases(argValues),
    '    end',
    `    if test -n "$value"; _${id}_values $value; end`,
    'end',
    `complete -c ${name} -f -a '(_${id}_list)'`,
  ];
};

const isShell = (text: string): text is Shell => (SHELLS as readonly string[]).includes(text);

/** The script for a shell, with its last line end; null for another shell. */
export const completionScript = <C>(program: Program<C>, shell: string): string | null =>
  isShell(shell) ? `${{ bash, zsh, fish }[shell](modelOf(program)).join('\n')}\n` : null;
