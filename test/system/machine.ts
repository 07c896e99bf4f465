/** Commands inside the test machine, as root or as another user, and facts that outlive a boot. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

export const CHECKOUT = '/opt/airlock';
export const OPERATOR = 'ada';
export const AGENT = 'bot';
/** A second agent, of role `helper`. */
export const OTHER_AGENT = 'bot2';

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** Linux user; root if left out. */
  readonly user?: string;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly cwd?: string;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const environmentOf = (user: string, extra: Readonly<Record<string, string>>): Record<string, string> => {
  // npm's way out may go through a gateway with an authority of its own.
  const authority = process.env['NODE_EXTRA_CA_CERTS'];
  return {
    HOME: user === 'root' ? '/root' : `/home/${user}`,
    USER: user,
    LOGNAME: user,
    PATH,
    LC_ALL: 'C.UTF-8',
    XDG_RUNTIME_DIR: `/run/user-${user}`,
    ...(authority === undefined ? {} : { NODE_EXTRA_CA_CERTS: authority }),
    ...extra,
  };
};

/** Without PAM, which would write command lines, and with them what a test looks for, into the journal. */
const asUser = (user: string): string[] =>
  user === 'root' ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups', '--'];

/** Runs a command to its end; a time-out counts as status 124. */
export const run = (command: readonly string[], options: CommandOptions = {}): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const { user = 'root', input = '', env = {}, timeoutMs = 60_000, cwd } = options;
    const [program = '', ...rest] = [...asUser(user), ...command];
    const child = spawn(program, rest, {
      stdio: 'pipe',
      detached: true,
      env: environmentOf(user, env),
      ...(cwd === undefined ? {} : { cwd }),
    });
    let stdout = '';
    let stderr = '';
    const timer = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, 'SIGKILL'), timeoutMs);
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject);
    child.once('close', (status) => {
      clearTimeout(timer);
      resolve({ status: status ?? 124, stdout, stderr });
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });

/** Runs a command that has to succeed. @returns its output without the last line end */
export const must = async (command: readonly string[], options: CommandOptions = {}): Promise<string> => {
  const { status, stdout, stderr } = await run(command, options);
  if (status !== 0) throw new Error(`${command.join(' ')}: status ${status}\n${stdout}${stderr}`);
  return stdout.trimEnd();
};

export interface Answer {
  readonly status: number;
  /** What stood on stdout: `{error}` where the command failed. */
  readonly value: Record<string, unknown>;
  readonly stderr: string;
}

const parse = (text: string): Record<string, unknown> => {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return { unparsed: text };
  }
};

const json = async (program: string, args: readonly string[], options: CommandOptions): Promise<Answer> => {
  const { status, stdout, stderr } = await run([program, ...args, '--json'], options);
  return { status, value: parse(stdout), stderr };
};

/** The installed airlock-ctl with --json. */
export const ctl = (args: readonly string[], options: CommandOptions = {}): Promise<Answer> =>
  json('airlock-ctl', args, { user: OPERATOR, ...options });

/** The installed airlock with --json. */
export const airlock = (args: readonly string[], options: CommandOptions = {}): Promise<Answer> =>
  json('airlock', args, { user: AGENT, ...options });

/** Code of the error that a command printed; empty where it printed none. */
export const errorCode = ({ value }: Answer): string => {
  const error = value['error'] as { code?: string } | undefined;
  return error?.code ?? '';
};

export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks again every 20 ms. @returns milliseconds it took, or null after `limitMs` */
export const until = async (condition: () => boolean | Promise<boolean>, limitMs: number): Promise<number | null> => {
  const start = performance.now();
  while (performance.now() - start < limitMs) {
    if (await condition()) return performance.now() - start;
    await wait(20);
  }
  return null;
};

const FACTS = '/root/airlock-test.json';

/** What one test file leaves for the next, also over a reboot. */
export const readFacts = (): Record<string, string> =>
  existsSync(FACTS) ? (JSON.parse(readFileSync(FACTS, 'utf8')) as Record<string, string>) : {};

export const fact = (name: string): string => {
  const value = readFacts()[name];
  if (value === undefined) throw new Error(`no earlier test left ${name}`);
  return value;
};

export const leaveFact = (name: string, value: string): void =>
  writeFileSync(FACTS, JSON.stringify({ ...readFacts(), [name]: value }), { mode: 0o600 });

/** Main process of a unit. */
export const mainPid = async (unit: string): Promise<number> =>
  Number(await must(['systemctl', 'show', '-p', 'MainPID', '--value', unit]));
