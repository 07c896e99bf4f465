/** One parser in a thread of its own: a crash, an endless loop or a full memory ends the thread, and its input is known. */
import { parentPort, workerData } from 'node:worker_threads';
import { Dice } from '../fire/dice.js';
import { isOfTime, judge, shrink } from './judge.js';
import { mutate } from './mutate.js';
import { targetOf } from './targets/index.js';

export interface Work {
  readonly target: string;
  readonly inputs: number;
  readonly seed: number;
  /** Counter of inputs, length, then the input that is being read. */
  readonly shared: SharedArrayBuffer;
}
export interface Finding {
  readonly problem: string;
  readonly input: Buffer;
}
export interface Done {
  readonly inputs: number;
  readonly answers: number;
  readonly findings: readonly Finding[];
}

const HEADER_WORDS = 2;
/** As many different problems of one parser say enough. */
const MAX_FINDINGS = 3;
const MAX_ANSWERS = 400;

const work = async ({ target: name, inputs, seed, shared }: Work): Promise<Done> => {
  const target = targetOf(name);
  const words = new Int32Array(shared, 0, HEADER_WORDS);
  const bytes = new Uint8Array(shared, HEADER_WORDS * 4);
  const seeds = [...target.seeds];
  const answers = new Set<string>();
  const findings = new Map<string, Finding>();
  for (let index = 0; index < inputs && findings.size < MAX_FINDINGS; index += 1) {
    const input = mutate(seeds, target.tokens, new Dice(seed + index, name));
    bytes.set(input);
    Atomics.store(words, 1, input.length);
    Atomics.store(words, 0, index + 1);
    const { problem, answer } = await judge(target, input);
    if (problem !== null && !findings.has(problem))
      findings.set(problem, { problem, input: await shrink(target, input, problem) });
    if (problem !== null && isOfTime(problem)) break;
    if (problem !== null || answers.size >= MAX_ANSWERS || answers.has(answer)) continue;
    answers.add(answer);
    seeds.push(Buffer.from(input.subarray(0, 8192)));
  }
  return { inputs: Atomics.load(words, 0), answers: answers.size, findings: [...findings.values()] };
};

parentPort?.postMessage(await work(workerData as Work));
