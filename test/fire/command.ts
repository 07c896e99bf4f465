/** Beginning and end of a proof under fire: what it refuses, its one JSON line, its count. */
import { cpus } from 'node:os';
import { Refused } from './flags.js';

type Main = (args: readonly string[]) => Promise<number>;

const say = (problem: string): void => void process.stderr.write(`airlock: error: ${problem}\n`);

/** A promise that never settles leaves Node with nothing to do, and a proof without its end. */
const abandoned = (): void => {
  say('the proof stopped before its end: it waits for what never comes');
  process.exit(1);
};

/** @returns the status of what was refused; throws anything else on */
const refusal = (thrown: unknown): number => {
  if (!(thrown instanceof Refused)) throw thrown;
  say(thrown.message);
  return 2;
};

/** Arguments of a program without a main: ends it where they are refused. */
export const orEnd = <T>(read: () => T): T => {
  try {
    return read();
  } catch (thrown) {
    process.exit(refusal(thrown));
  }
};

/** @returns the exit status: 2 where the arguments are refused, in one line */
export const prove = async (main: Main, args: readonly string[]): Promise<number> => {
  process.once('beforeExit', abandoned);
  try {
    return await main(args);
  } catch (thrown) {
    return refusal(thrown);
  } finally {
    process.off('beforeExit', abandoned);
  }
};

/** Prints figures with the machine they were taken on. */
export const report = (proof: string, figures: object): void => {
  const machine = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length };
  process.stdout.write(`${JSON.stringify({ proof, date: new Date().toISOString().slice(0, 10), ...machine, ...figures })}\n`);
};

/** A counted "N passed, N failed" for `.ci/run`, and the exit status: a run that proved nothing has failed. */
export const conclude = (passed: number, problems: readonly string[]): number => {
  const all = passed > 0 || problems.length > 0 ? problems : ['nothing was proven'];
  all.forEach(say);
  process.stdout.write(`${Math.max(0, passed)} passed, ${all.length} failed\n`);
  return all.length === 0 ? 0 : 1;
};
