/** Runs the compiled command in a process of its own. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout, which must be one JSON value. */
  readonly json: unknown;
}

/** The bundle, which is there in half the time; the single files where their coverage is measured. */
export const MAIN = fileURLToPath(
  new URL(process.env['AIRLOCK_COVERAGE'] === '1' ? '../src/main.js' : '../../../../dist/lib/airlock.cjs', import.meta.url),
);
/** The single files, where it matters which are loaded. */
export const SINGLE_FILES = fileURLToPath(new URL('../src/main.js', import.meta.url));
export const STUB = fileURLToPath(new URL('../../bin/airlock.js', import.meta.url));

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};

export interface RunOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly onStderr?: (text: string) => void;
  readonly main?: string;
}

/** `airlock ARGV`. */
export const airlock = (argv: readonly string[], { env, stdin = '', onStderr, main = MAIN }: RunOptions): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...argv], { env });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
      onStderr?.(stderr);
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr, json: parse(stdout) }));
    child.stdin.end(stdin);
  });
