/** Runs a program to its end as another user, with nothing of the caller's environment. */
import { spawn } from 'node:child_process';
import type { Account } from './accounts.js';

export interface Ended {
  /** 124 where the time was over, as timeout(1) has it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface AsUser {
  /** Null: whoever runs this. */
  readonly account: Account | null;
  readonly input?: string;
  readonly limitMs: number;
  /** Added to a clean environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Told what came on stdout so far; true ends the program. */
  readonly isEnough?: (stdout: string) => boolean;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** What of the output is kept, in characters. */
const MAX_KEPT = 200_000;

const cleanEnvironment = (account: Account | null): Record<string, string> => {
  const uid = account?.uid ?? process.getuid?.() ?? 0;
  const user = account?.user ?? process.env['USER'] ?? '';
  const home = account?.home ?? process.env['HOME'] ?? '/';
  const runtime = account === null ? process.env['XDG_RUNTIME_DIR'] : undefined;
  return { PATH, LC_ALL: 'C.UTF-8', HOME: home, USER: user, LOGNAME: user, XDG_RUNTIME_DIR: runtime ?? `/run/user/${uid}` };
};

/** No PAM: no session, no mail, nothing in the journal. */
const become = ({ uid, gid }: Account): string[] => ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--'];

/** Never throws; a program that cannot be started ends with 127. */
export const runAs = (command: readonly string[], { account, input, limitMs, env = {}, isEnough }: AsUser): Promise<Ended> =>
  new Promise((resolve) => {
    const [program = '', ...args] = [...(account === null ? [] : become(account)), ...command];
    const child = spawn(program, args, {
      cwd: '/',
      detached: true,
      stdio: 'pipe',
      env: { ...cleanEnvironment(account), ...env },
    });
    const kept = { stdout: '', stderr: '' };
    // The whole group: a shell's children hold its pipes open.
    const kill = (): void => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
    };
    const timer = setTimeout(kill, limitMs);
    const finish = (status: number): void => {
      clearTimeout(timer);
      resolve({ status, ...kept });
    };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        kept[name] = (kept[name] + text).slice(0, MAX_KEPT);
        if (isEnough?.(kept.stdout) === true) child.stdin.end();
      });
    }
    child.once('error', () => finish(127));
    child.once('close', (status) => finish(status ?? 124));
    child.stdin.on('error', () => undefined);
    if (isEnough === undefined) child.stdin.end(input ?? '');
    else child.stdin.write(input ?? '');
  });
