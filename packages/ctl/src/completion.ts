/** Completion scripts for three shells and `help exit-codes|errors`, from the command table and the error table. */
import { ERRORS, type ErrorCode } from '@airlock/protocol';
import type { Command } from './commands/command.js';
import { table } from './output.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

const firstWords = (commands: readonly Command[]): string[] =>
  [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? ''))].sort();
const secondWords = (commands: readonly Command[], first: string): string[] =>
  commands
    .map(({ name }) => name.split(' '))
    .filter(([one, two]) => one === first && two !== undefined)
    .map(([, two]) => two ?? '');
const groups = (commands: readonly Command[]): string[] =>
  firstWords(commands).filter((first) => secondWords(commands, first).length > 0);

const bash = (commands: readonly Command[]): string => `# bash completion of airlock-ctl: eval "$(airlock-ctl completion bash)"
_airlock_ctl() {
  local current=\${COMP_WORDS[COMP_CWORD]} words
  if [ "$COMP_CWORD" = 1 ]; then words="${firstWords(commands).join(' ')}"
  else case "\${COMP_WORDS[1]}" in
${groups(commands)
  .map((first) => `    ${first}) words="${secondWords(commands, first).join(' ')}" ;;`)
  .join('\n')}
    *) words="--json" ;;
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _airlock_ctl airlock-ctl`;

const zsh = (commands: readonly Command[]): string => `#compdef airlock-ctl
# zsh completion of airlock-ctl: source <(airlock-ctl completion zsh)
_airlock_ctl() {
  if (( CURRENT == 2 )); then compadd ${firstWords(commands).join(' ')}
  else case "$words[2]" in
${groups(commands)
  .map((first) => `    ${first}) compadd ${secondWords(commands, first).join(' ')} ;;`)
  .join('\n')}
    *) compadd -- --json ;;
  esac; fi
}
compdef _airlock_ctl airlock-ctl`;

const fish = (commands: readonly Command[]): string =>
  [
    '# fish completion of airlock-ctl: airlock-ctl completion fish | source',
    `complete -c airlock-ctl -f -n __fish_use_subcommand -a "${firstWords(commands).join(' ')}"`,
    ...groups(commands).map(
      (first) =>
        `complete -c airlock-ctl -f -n "__fish_seen_subcommand_from ${first}" -a "${secondWords(commands, first).join(' ')}"`,
    ),
    'complete -c airlock-ctl -l json -d "one JSON value on stdout"',
  ].join('\n');

export const completion = (shell: Shell, commands: readonly Command[]): string =>
  ({ bash, zsh, fish })[shell](commands.filter(({ hidden }) => hidden !== true));

const codes = Object.keys(ERRORS) as ErrorCode[];

export const exitCodesText = (): string => {
  const statuses = [...new Set(codes.map((code) => ERRORS[code].exit))].sort();
  return table(
    ['exit', 'codes'],
    [
      ['0', 'done'],
      ...statuses.map((status) => [String(status), codes.filter((code) => ERRORS[code].exit === status).join(' ')]),
    ],
  );
};

export const errorsText = (): string =>
  table(
    ['code', 'exit', 'retry', 'what to do'],
    codes.map((code) => [code, String(ERRORS[code].exit), ERRORS[code].retry, ERRORS[code].hint]),
  );
