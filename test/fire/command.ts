/** Arguments and the one JSON line of the proofs under fire. */
import { cpus } from 'node:os';

export interface Arguments {
  has(flag: string): boolean;
  number(flag: string, otherwise: number): number;
  text(flag: string): string | null;
}

/** `--flag`, `--flag VALUE`. @throws Error naming a flag that is none of `allowed` */
export const argumentsOf = (args: readonly string[], allowed: readonly string[]): Arguments => {
  const unknown = args.find((arg) => arg.startsWith('--') && !allowed.includes(arg.slice(2)));
  if (unknown !== undefined) throw new Error(`unknown flag ${unknown}, expected ${allowed.map((one) => `--${one}`).join(' | ')}`);
  const text = (flag: string): string | null => {
    const at = args.indexOf(`--${flag}`);
    return at === -1 ? null : (args[at + 1] ?? null);
  };
  const number = (flag: string, otherwise: number): number => {
    const given = text(flag);
    const value = given === null ? otherwise : Number(given);
    if (!Number.isFinite(value) || value < 0) throw new Error(`--${flag} wants a number, found ${String(given)}`);
    return value;
  };
  return { has: (flag) => args.includes(`--${flag}`), number, text };
};

/** Prints figures with the machine they were taken on. */
export const report = (proof: string, figures: object): void => {
  const machine = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length };
  process.stdout.write(`${JSON.stringify({ proof, date: new Date().toISOString().slice(0, 10), ...machine, ...figures })}\n`);
};

/** A counted "N passed, N failed" for `.ci/run`, and the exit status. */
export const conclude = (passed: number, problems: readonly string[]): number => {
  for (const problem of problems) process.stderr.write(`airlock: error: ${problem}\n`);
  process.stdout.write(`${passed} passed, ${problems.length} failed\n`);
  return problems.length === 0 ? 0 : 1;
};
