/** One input under the oracle: only what the parser may say, within its CPU time. */
import { AirlockError } from '@airlock/protocol';
import { Broken, type Target } from './target.js';

/** Many times what an input of 16 KB takes any parser of ours; a GC of the harness must not count. */
const CPU_MS = 250;
const RETRIES = 3;
/** How a problem of time begins; it looks alike for every input, so one is enough. */
export const SLOW = 'took more than';

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

const once = async (target: Target, input: Buffer): Promise<Judged & { readonly cpuMs: number }> => {
  const before = process.cpuUsage();
  let judged: Judged;
  try {
    const value = target.run(input);
    const answer = value instanceof Promise ? ((await value) as unknown) : value;
    judged = { problem: null, answer: `ok ${String(answer).slice(0, 40)}` };
  } catch (thrown) {
    const answer = answerOf(thrown);
    const isRefusal = !(thrown instanceof Broken) && target.refuses(thrown);
    judged = { problem: isRefusal ? null : answer, answer };
  }
  const { user } = process.cpuUsage(before);
  return { ...judged, cpuMs: user / 1000 };
};

/** Slow is what is slow each time. */
export const judge = async (target: Target, input: Buffer): Promise<Judged> => {
  const maxMs = target.maxCpuMs ?? CPU_MS;
  let found = await once(target, input);
  for (let turn = 0; turn < RETRIES && found.problem === null && found.cpuMs > maxMs; turn += 1)
    found = await once(target, input);
  return found.problem === null && found.cpuMs > maxMs ? { ...found, problem: `${SLOW} ${maxMs} ms of CPU time` } : found;
};

/** Smaller while the same is wrong. */
export const shrink = async (target: Target, input: Buffer, problem: string): Promise<Buffer> => {
  if (problem.startsWith(SLOW)) return input;
  let small = input;
  for (let size = small.length >> 1, tries = 0; size > 0 && tries < 300; size >>= 1)
    for (let at = 0; at + size <= small.length && tries < 300; tries += 1) {
      const without = Buffer.concat([small.subarray(0, at), small.subarray(at + size)]);
      if ((await judge(target, without)).problem === problem) small = without;
      else at += size;
    }
  return small;
};
