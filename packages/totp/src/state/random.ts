/** Randomness as a parameter, so that tests can repeat a run. */
import { randomBytes, randomInt } from 'node:crypto';

export interface Random {
  bytes(count: number): Buffer;
  /** Uniform integer from 0 to below - 1. */
  below(below: number): number;
}

export const systemRandom: Random = { bytes: (count) => randomBytes(count), below: (below) => randomInt(below) };
