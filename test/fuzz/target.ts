/** What is fuzzed: a parser, what it may say, and what has to hold of what it takes. */
import { AirlockError, type ErrorCode } from '@airlock/protocol';

/** A promise that was broken: what a parser took, it read wrongly. */
export class Broken extends Error {}

/** @throws Broken */
export const hold = (isTrue: boolean, what: string): void => {
  if (!isTrue) throw new Broken(what);
};

export interface Target {
  readonly name: string;
  readonly seeds: readonly Buffer[];
  /** Words of the format, put in anywhere. */
  readonly tokens: readonly string[];
  /** Parses, and holds what was read to what it has to be. What it returns is compared by its shape only. */
  readonly run: (input: Buffer) => unknown;
  readonly refuses: (thrown: unknown) => boolean;
  /** CPU time of one input; several times what the slowest seed takes. */
  readonly maxCpuMs?: number;
  /** Time in which a promise has to settle. */
  readonly maxWaitMs?: number;
}

/** An AirlockError of one of these codes. */
export const refusal =
  (...codes: readonly ErrorCode[]) =>
  (thrown: unknown): boolean =>
    thrown instanceof AirlockError && codes.includes(thrown.code);
