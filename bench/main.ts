/** npm run bench: all benchmarks, or one, or the report of what was measured. */
import { spawnSync } from 'node:child_process';
import { cpus, loadavg, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { keepRun, ROOT, writeReport } from './report/files.js';
import type { Run } from './report/results.js';

/** In the order they run: the long ones last. */
export const BENCHES = ['lease', 'policy', 'guard', 'audit', 'call', 'start', 'calendar', 'growth', 'mcp', 'mailbox'] as const;

export type Wish =
  | { readonly what: 'all'; readonly full: boolean }
  | { readonly what: 'one'; readonly name: string; readonly full: boolean; readonly write: boolean }
  | { readonly what: 'report' }
  | { readonly what: 'wrong'; readonly found: string };

/** What the arguments ask for. `--full` is of the mailbox alone. */
export const wishOf = (args: readonly string[]): Wish => {
  const flags = args.filter((one) => one.startsWith('--'));
  const [name, ...more] = args.filter((one) => !one.startsWith('--'));
  const unknown = flags.find((one) => one !== '--full' && one !== '--write') ?? more[0];
  if (unknown !== undefined) return { what: 'wrong', found: unknown };
  const [full, write] = [flags.includes('--full'), flags.includes('--write')];
  if (name === undefined) return { what: 'all', full };
  if (name === 'report') return flags.length > 0 ? { what: 'wrong', found: flags[0] ?? '' } : { what: 'report' };
  if (!(BENCHES as readonly string[]).includes(name)) return { what: 'wrong', found: name };
  if (full && name !== 'mailbox') return { what: 'wrong', found: `--full of ${name}` };
  return { what: 'one', name, full, write };
};

const say = (text: string): void => void process.stderr.write(`bench: ${text}\n`);

/** Names among results: both sizes of the mailbox are kept. */
const keyOf = (name: string, full: boolean): string => (full ? `${name}-full` : name);

const machine = (): Pick<Run, 'node' | 'cpu' | 'cores' | 'memoryGb'> => ({
  node: process.version,
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGb: Math.round(totalmem() / 2 ** 30),
});

const load = (): number => Math.round((loadavg()[0] ?? 0) * 100) / 100;

const measure = async (name: string, full: boolean): Promise<Run> => {
  process.env['AIRLOCK_BENCH_MESSAGES'] ??= full ? '200000' : '20000';
  const before = load();
  // What ran before it raises it too.
  if (before > 2 * cpus().length) say(`the machine is busy (load ${before}): times by the wall will be worse than they could be`);
  const [date, start] = [new Date().toISOString(), performance.now()];
  const { run } = (await import(new URL(`${name}.js`, import.meta.url).href)) as { run: () => Promise<object> };
  const figures = await run();
  const seconds = Math.round((performance.now() - start) / 100) / 10;
  const command = `npm run bench -- ${name}${full ? ' --full' : ''}`;
  return { date, command, ...machine(), load: [before, load()], seconds, figures };
};

const one = async (name: string, full: boolean, write: boolean): Promise<number> => {
  const key = keyOf(name, full);
  const run = await measure(name, full);
  console.log(JSON.stringify({ bench: key, ...run }));
  if (!write) return 0;
  keepRun(key, run);
  writeReport();
  say(`docs/benchmarks holds ${key} and its charts`);
  return 0;
};

/** Each in a process of its own, so that none finds the heap of another. @returns whether it went well */
const inProcess = (name: string, full: boolean): boolean => {
  const program = fileURLToPath(new URL('../run.mjs', import.meta.url));
  const args = [program, name, '--write', ...(full ? ['--full'] : [])];
  return spawnSync(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'], cwd: ROOT }).status === 0;
};

const all = (full: boolean): number => {
  const start = performance.now();
  const jobs = [...BENCHES.map((name) => ({ name, full: false })), ...(full ? [{ name: 'mailbox', full: true }] : [])];
  const failed: string[] = [];
  for (const [n, job] of jobs.entries()) {
    say(`${n + 1} of ${jobs.length}: ${keyOf(job.name, job.full)}`);
    if (!inProcess(job.name, job.full)) failed.push(keyOf(job.name, job.full));
  }
  const minutes = Math.round((performance.now() - start) / 6000) / 10;
  say(`${jobs.length - failed.length} of ${jobs.length} measured in ${minutes} min`);
  if (failed.length > 0) say(`failed: ${failed.join(', ')}; the report shows their figures of before`);
  return failed.length === 0 ? 0 : 1;
};

const usage = (found: string): number => {
  process.stderr.write(
    `airlock: error: npm run bench: found ${found}, allowed: a benchmark, report, --write, --full for the mailbox or for all\n` +
      `airlock: hint: npm run bench -- [${BENCHES.join('|')}|report] [--write] [--full]; without a name all of them, written to docs/benchmarks\n`,
  );
  return 2;
};

/** @returns the exit status */
export const main = async (args: readonly string[]): Promise<number> => {
  const wish = wishOf(args);
  if (wish.what === 'wrong') return usage(wish.found);
  if (wish.what === 'one') return one(wish.name, wish.full, wish.write);
  if (wish.what === 'all') return all(wish.full);
  writeReport();
  return 0;
};
