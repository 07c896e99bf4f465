/** Completion as a shell does it: the generated script, one command line, the candidates. */
import { PROGRAM as AGENT_PROGRAM } from '@airlock/cli';
import { PROGRAM as OPERATOR_PROGRAM } from '@airlock/ctl';
import { completionScript, type Program, type Shell } from '@airlock/protocol/command';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Name = 'airlock' | 'airlock-ctl';
const PROGRAMS: Readonly<Record<Name, Program<never>>> = { airlock: AGENT_PROGRAM, 'airlock-ctl': OPERATOR_PROGRAM };

/** What the stand-in answers to `complete SOURCE`; one of them is what no shell may run. */
export const ANSWERED = ['mail', 'r-0001', '$(touch_pwned)'];

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Lines run by each shell; `words` is the command line, its last word the one under the cursor. */
const DRIVERS: Readonly<Record<Shell, (script: string, name: Name, words: readonly string[]) => string[]>> = {
  bash: (script, name, words) => [
    'bash',
    '--norc',
    '-c',
    `source ${script}; COMP_WORDS=(${words.map(quote).join(' ')}); COMP_CWORD=${words.length - 1}; _${name.replaceAll('-', '_')}; printf '%s\\n' "\${COMPREPLY[@]}"`,
  ],
  zsh: (script, name, words) => [
    'zsh',
    '-f',
    '-c',
    `compdef() { : }; _files() { print -- FILES }; compadd() { print -rl -- "\${(@P)argv[-1]}" }; source ${script}; words=(${words.map(quote).join(' ')}); CURRENT=${words.length}; _${name.replaceAll('-', '_')}`,
  ],
  fish: (script, _name, words) => ['fish', '--no-config', '-c', `source ${script}; complete -C ${quote(words.join(' '))}`],
};

export interface Completer {
  /** Candidates for the last word, which may be empty. */
  complete(shell: Shell, line: readonly [Name, ...string[]]): readonly string[];
  /** Sources that were asked for so far. */
  asked(): string;
  /** A file that a shell makes which runs what a candidate says. */
  readonly pwned: string;
  remove(): void;
}

export const completer = (): Completer => {
  const dir = mkdtempSync(join(tmpdir(), 'complete-'));
  const log = join(dir, 'asked');
  writeFileSync(log, '');
  for (const name of ['airlock', 'airlock-ctl', 'touch_pwned']) {
    const body =
      name === 'touch_pwned' ? `: >${dir}/pwned` : `echo "$2" >>${log}; printf '%s\\n' ${ANSWERED.map(quote).join(' ')}`;
    writeFileSync(join(dir, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(dir, name), 0o755);
  }
  return {
    complete: (shell, words) => {
      const script = join(dir, `${words[0]}.${shell}`);
      writeFileSync(script, completionScript(PROGRAMS[words[0]], shell) ?? '');
      const [program = '', ...args] = DRIVERS[shell](script, words[0], words);
      const { stdout, stderr, status, error } = spawnSync(program, args, {
        encoding: 'utf8',
        cwd: dir,
        env: { PATH: `${dir}:${process.env['PATH'] ?? ''}`, HOME: dir, LC_ALL: 'C.UTF-8' },
      });
      if (error) throw error;
      if (status !== 0 || stderr !== '') throw new Error(`${shell}: status ${String(status)}: ${stderr}`);
      return stdout
        .split('\n')
        .map((line) => line.split('\t')[0] ?? '')
        .filter((word) => word !== '');
    },
    asked: () => readFileSync(log, 'utf8'),
    pwned: join(dir, 'pwned'),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
};

interface Case {
  readonly line: readonly [Name, ...string[]];
  readonly has: readonly string[];
  readonly not: readonly string[];
}

/** The same in every shell. */
export const CASES: readonly Case[] = [
  {
    line: ['airlock-ctl', ''],
    has: ['approve', 'service', 'credentials', 'doctor', 'help'],
    not: ['config', 'complete', 'list'],
  },
  { line: ['airlock-ctl', '--json', 'serv'], has: ['service'], not: [] },
  { line: ['airlock-ctl', 'service', ''], has: ['add', 'list', 'remove', 'test'], not: ['approve'] },
  { line: ['airlock-ctl', 'service', 'add', ''], has: ['mail'], not: ['add', 'list'] },
  {
    line: ['airlock-ctl', 'service', 'add', 'imap', '--'],
    has: ['--name', '--set', '--json', '--help'],
    not: ['--match', '--all'],
  },
  { line: ['airlock-ctl', 'approve', '--request', ''], has: ['r-0001'], not: ['--match'] },
  { line: ['airlock-ctl', 'approve', '--match', ''], has: [], not: ['r-0001', '--request'] },
  { line: ['airlock-ctl', 'completion', ''], has: ['bash', 'zsh', 'fish'], not: ['approve'] },
  { line: ['airlock-ctl', 'audit', ''], has: ['verify', 'today'], not: ['approve'] },
  { line: ['airlock-ctl', 'help', 'e'], has: ['exit-codes', 'errors'], not: [] },
  { line: ['airlock', ''], has: ['request', 'call', 'lease', 'mcp'], not: ['narrow', 'complete'] },
  { line: ['airlock', 'lease', ''], has: ['narrow'], not: ['request'] },
  { line: ['airlock', 'request', 'mail', '--'], has: ['--reason', '--ttl', '--json'], not: ['--params'] },
  { line: ['airlock', 'call', ''], has: ['mail'], not: ['request'] },
  { line: ['airlock', '--role', 'mail', 'wait', ''], has: ['r-0001'], not: ['wait'] },
];
