/** Completion scripts, generated from the tree of commands, so that they can never miss one. */
import { AirlockError } from '@airlock/client';
import type { Command } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

interface Node {
  /** Words of the command behind `airlock`. */
  readonly path: readonly string[];
  readonly description: string;
  readonly words: readonly string[];
  readonly children: readonly Node[];
}

const longFlags = (command: Command): string[] => command.options.flatMap(({ long }) => long ?? []);

const nodeOf = (command: Command, path: readonly string[], inherited: readonly string[]): Node => {
  const flags = [...longFlags(command), ...inherited];
  const children = command.commands.map((child) => nodeOf(child, [...path, child.name()], flags));
  const names = command.commands.map((child) => child.name());
  return { path, description: command.description(), words: [...names, ...flags, '--help'], children };
};

const allNodes = (node: Node): Node[] => [node, ...node.children.flatMap(allNodes)];

const bash = (nodes: readonly Node[]): string => {
  const cases = nodes.map(({ path, words }) => `    "${path.join(' ')}") words="${words.join(' ')}" ;;`);
  return [
    '# bash completion of airlock: source it, or put it into /etc/bash_completion.d',
    '_airlock() {',
    '  local i path="" words=""',
    '  for ((i = 1; i < COMP_CWORD; i++)); do',
    '    [[ ${COMP_WORDS[i]} == -* ]] || path="${path:+$path }${COMP_WORDS[i]}"',
    '  done',
    '  while :; do',
    '    case "$path" in',
    ...cases.map((line) => `  ${line}`),
    '    esac',
    '    [[ -n $words || $path != *" "* ]] && break',
    '    path="${path% *}"',
    '  done',
    '  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))',
    '}',
    'complete -F _airlock airlock',
  ].join('\n');
};

const zsh = (nodes: readonly Node[]): string =>
  ['#compdef airlock', 'autoload -U +X bashcompinit && bashcompinit', bash(nodes)].join('\n');

const quote = (text: string): string => `'${text.replaceAll("'", "\\'")}'`;

const fishNode = ({ path, children, words }: Node): string[] => {
  const condition = path.length === 0 ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${path.at(-1) ?? ''}`;
  const commands = children.map(
    (child) => `complete -c airlock -f -n ${quote(condition)} -a ${child.path.at(-1) ?? ''} -d ${quote(child.description)}`,
  );
  const flags = words.filter((word) => word.startsWith('--'));
  return [...commands, ...flags.map((flag) => `complete -c airlock -f -n ${quote(condition)} -l ${flag.slice(2)}`)];
};

const fish = (nodes: readonly Node[]): string => ['# fish completion of airlock', ...nodes.flatMap(fishNode)].join('\n');

const WRITERS: Readonly<Record<Shell, (nodes: readonly Node[]) => string>> = { bash, zsh, fish };

const isShell = (text: string): text is Shell => Object.hasOwn(WRITERS, text);

/** The script for a shell. @throws AirlockError PARAMS_INVALID for another one. */
export const completion = (program: Command, shell: string): string => {
  if (isShell(shell)) return WRITERS[shell](allNodes(nodeOf(program, [], [])));
  throw new AirlockError('PARAMS_INVALID', 'there is no completion for this shell', {
    field: 'shell',
    expected: SHELLS.join(', '),
    hint: `use one of ${SHELLS.join(', ')}`,
  });
};
