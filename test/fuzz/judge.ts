/** One input under the oracle: only what the parser may say, within its CPU time. */
import { AirlockError } from '@airlock/protocol';
import { Broken, type Target } from './target.js';

/** Many times what an input of 16 KB takes any parser of ours; a GC of the harness must not count. */
const CPU_MS = 250;
/** No parser waits for anything; a machine that stands still for a while must not count. */
const WAIT_MS = 10_000;
const RETRIES = 3;
/** How problems of time begin; they look alike for every input, so one is enough. */
const SLOW = 'took more than';
const HANGS = 'does not settle within';
export const isOfTime = (problem: string): boolean => problem.startsWith(SLOW) || problem.startsWith(HANGS);

export interface Judged {
  /** null: as it should be. */
  readonly problem: string | null;
  /** What it came to: another one makes an input worth keeping as a seed. */
  readonly answer: string;
}

const answerOf = (thrown: unknown): string =>
  thrown instanceof Error
    ? `${thrown instanceof AirlockError ? thrown.code : thrown.name} ${thrown.message.replace(/[0-9]+|".*?"/g, '#').slice(0, 60)}`
    : 'thrown';

class Unsettled extends Error {}

/** Rejects with Unsettled after that time; its timer keeps a thread going that has nothing else to do. */
const settled = (value: Promise<unknown>, maxMs: number): Promise<unknown> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Unsettled(`${HANGS} ${maxMs} ms`)), maxMs);
  });
  return Promise.race([value, late]).finally(() => clearTimeout(timer));
};

/** Whether it took too long is told apart: once may be the machine's doing. */
type Attempt = Judged & { readonly tooLong: string | null };

const once = async (target: Target, input: Buffer): Promise<Attempt> => {
  const { maxCpuMs = CPU_MS, maxWaitMs = WAIT_MS } = target;
  const before = process.cpuUsage();
  let judged: Judged;
  try {
    const value = target.run(input);
    const answer = value instanceof Promise ? await settled(value, maxWaitMs) : value;
    judged = { problem: null, answer: `ok ${String(answer).slice(0, 40)}` };
  } catch (thrown) {
    if (thrown instanceof Unsettled) return { problem: null, answer: 'unsettled', tooLong: thrown.message };
    const answer = answerOf(thrown);
    const isRefusal = !(thrown instanceof Broken) && target.refuses(thrown);
    judged = { problem: isRefusal ? null : answer, answer };
  }
  const isSlow = process.cpuUsage(before).user / 1000 > maxCpuMs;
  return { ...judged, tooLong: isSlow ? `${SLOW} ${maxCpuMs} ms of CPU time` : null };
};

/** What takes too long takes too long each time. */
export const judge = async (target: Target, input: Buffer): Promise<Judged> => {
  let found = await once(target, input);
  for (let turn = 0; turn < RETRIES && found.problem === null && found.tooLong !== null; turn += 1)
    found = await once(target, input);
  const { problem, answer, tooLong } = found;
  return { problem: problem ?? tooLong, answer };
};

/** Smaller while the same is wrong. */
export const shrink = async (target: Target, input: Buffer, problem: string): Promise<Buffer> => {
  if (isOfTime(problem)) return input;
  let small = input;
  for (let size = small.length >> 1, tries = 0; size > 0 && tries < 300; size >>= 1)
    for (let at = 0; at + size <= small.length && tries < 300; tries += 1) {
      const without = Buffer.concat([small.subarray(0, at), small.subarray(at + size)]);
      if ((await judge(target, without)).problem === problem) small = without;
      else at += size;
    }
  return small;
};
