/** A development instance as outside tests use it: the launcher as a child process, the commands with its environment. */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { handClock, type HandClock } from './clock-file.js';
import { checkout } from './launcher/layout.js';
import { codeAt } from './phone.js';

export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout parsed as JSON; null where it is none. */
  readonly json: unknown;
}

export interface Running {
  readonly dir: string;
  readonly secret: string;
  readonly clock: HandClock;
  readonly env: Readonly<Record<string, string>>;
  readonly sockets: Readonly<Record<string, string>>;
  readonly pids: { readonly totp: number; readonly gateway: number };
  /** Runs `airlock-ctl` or `airlock`. */
  command(
    program: 'airlock-ctl' | 'airlock',
    args: readonly string[],
    options?: { readonly stdin?: string; readonly env?: Record<string, string> },
  ): Promise<CommandResult>;
  /** All that launcher and daemons printed so far, stdout and stderr together. */
  output(): string;
  /** A code that was not used yet: moves the clock to the next step and waits for nothing. */
  freshCode(): string;
  stop(): Promise<void>;
}

export interface InstanceOptions {
  readonly roles?: readonly string[];
  readonly enrolled?: boolean;
  readonly config?: string;
  readonly cells?: number;
  /** State of both daemons to start from, as `state/totp` and `state/gateway` were; copied. */
  readonly state?: string;
  /** CommonJS text that both daemons load first. */
  readonly preload?: string;
  /** Where to start the clock; default is now. */
  readonly wallMs?: number;
  /** The machine's clock instead of one moved by hand: for measuring. Then at most three codes a minute and a half are fresh. */
  readonly realTime?: boolean;
}

/** 20 bytes, the length of RFC 4226's recommendation. */
export const TEST_SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const STEP_MS = 30_000;

const collect = (child: ChildProcess, stdin: string | undefined): Promise<CommandResult> =>
  new Promise((resolve) => {
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(stdin ?? '');
    child.on('close', (status) => {
      resolve({ status: status ?? 128, stdout, stderr, json: parsed(stdout) });
    });
  });

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

interface Ready {
  readonly env: Record<string, string>;
  readonly sockets: Record<string, string>;
  readonly pids: { readonly totp: number; readonly gateway: number };
}

const firstLine = (child: ChildProcess): Promise<Ready> =>
  new Promise((resolve, reject) => {
    let text = '';
    let errors = '';
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\n');
      if (end < 0) return;
      const value = JSON.parse(text.slice(0, end)) as Ready & { ready?: boolean };
      if (value.ready === true) resolve(value);
      else reject(new Error(`${text.slice(0, end)}\n${errors}`));
    });
    child.on('exit', (status) => reject(new Error(`the launcher ended with ${String(status)}\n${errors}`)));
  });

const launcherArguments = (dir: string, options: InstanceOptions): string[] => [
  join(checkout, 'packages/testkit/bin/dev.js'),
  'up',
  ...['--dir', join(dir, 'i')],
  ...(options.realTime === true ? [] : ['--clock-file', join(dir, 'clock')]),
  ...(options.enrolled === false ? [] : ['--totp-secret-file', join(dir, 'secret')]),
  ...(options.roles ? ['--roles', options.roles.join(',')] : []),
  ...(options.config === undefined ? [] : ['--config', options.config]),
  ...['--cells', String(options.cells ?? 3)],
  ...(options.preload === undefined ? [] : ['--preload', join(dir, 'preload.cjs')]),
  '--json',
];

/** Codes of rising steps within the window of the real clock. @throws Error where the window is used up */
const realCodes = (): (() => string) => {
  let last = 0;
  return () => {
    const now = Math.floor(Date.now() / STEP_MS);
    const next = Math.max(last + 1, now - 1);
    if (next > now + 1) throw new Error('every code of the window was used');
    last = next;
    return codeAt(TEST_SECRET, last * STEP_MS);
  };
};

/** A checkout keeps no modes, and the daemons refuse what others may write. */
const copyState = (from: string, to: string): void => {
  cpSync(from, to, { recursive: true });
  for (const name of ['.', ...readdirSync(to, { recursive: true, encoding: 'utf8' })]) {
    const path = join(to, name);
    chmodSync(path, statSync(path).isDirectory() ? 0o700 : 0o600);
  }
};

/** Starts an instance in a directory of its own below the temporary directory. */
export const startTestInstance = async (options: InstanceOptions = {}): Promise<Running> => {
  const dir = mkdtempSync(join(tmpdir(), 'airlock-'));
  const clock = handClock(join(dir, 'clock'), options.wallMs ?? Date.now());
  writeFileSync(join(dir, 'secret'), `${TEST_SECRET}\n`, { mode: 0o600 });
  if (options.preload !== undefined) writeFileSync(join(dir, 'preload.cjs'), options.preload, { mode: 0o600 });
  if (options.state !== undefined) copyState(options.state, join(dir, 'i/state'));
  const child = spawn(process.execPath, launcherArguments(dir, options), { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer | string) => (printed += String(chunk)));
  const { env, sockets, pids } = await firstLine(child);
  const stop = async (): Promise<void> => {
    if (child.exitCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    }
    rmSync(dir, { recursive: true, force: true });
  };
  return {
    dir,
    secret: TEST_SECRET,
    clock,
    env,
    sockets,
    pids,
    output: () => printed,
    command: (program, args, { stdin, env: extra } = {}) =>
      collect(
        spawn(process.execPath, [join(checkout, 'dist/lib', `${program}.cjs`), ...args], {
          stdio: 'pipe',
          env: { PATH: process.env['PATH'], HOME: dir, ...env, ...extra },
        }),
        stdin,
      ),
    freshCode:
      options.realTime === true
        ? realCodes()
        : () => {
            clock.advance(STEP_MS);
            return codeAt(TEST_SECRET, clock.wallMs());
          },
    stop,
  };
};
