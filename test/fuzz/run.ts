/** Runs one parser's thread and watches it. */
import { Worker } from 'node:worker_threads';
import type { Done, Finding, Work } from './worker.js';

const HEADER_BYTES = 8;
const MAX_INPUT_BYTES = 65_536;
const MEMORY_MB = 384;
/** CPU time on one input after which nobody waits any longer. */
const STALLED_CPU_MS = 30_000;
const LOOK_MS = 500;

const inputIn = (shared: SharedArrayBuffer): Buffer => {
  const length = new Int32Array(shared)[1] ?? 0;
  return Buffer.from(new Uint8Array(shared, HEADER_BYTES, length));
};

/** Calls `stalled` once an input has taken STALLED_CPU_MS of this process. @returns the way to stop looking */
const watch = (shared: SharedArrayBuffer, stalled: () => void): (() => void) => {
  const words = new Int32Array(shared, 0, 2);
  let [seen, cpu] = [-1, process.cpuUsage()];
  const timer = setInterval(() => {
    const count = Atomics.load(words, 0);
    if (count !== seen) [seen, cpu] = [count, process.cpuUsage()];
    else if (count > 0 && process.cpuUsage(cpu).user / 1000 > STALLED_CPU_MS) stalled();
  }, LOOK_MS);
  return () => clearInterval(timer);
};

/** What the thread found, or how it ended without a word of its own. */
const endOf = (worker: Worker, shared: SharedArrayBuffer): Promise<Done | string> =>
  new Promise((resolve) => {
    const stop = watch(shared, () => over('stands still'));
    const over = (end: Done | string): void => {
      stop();
      resolve(end);
    };
    worker.once('message', over);
    worker.once('error', (error) => over(`the thread ended: ${(error as { code?: string }).code ?? error.message}`));
    worker.once('exit', (status) => over(`the thread ended before its time with status ${status}`));
  });

/** @returns what was found; a thread that died or stood still is a finding with the input it died of */
export const fuzz = async (target: string, inputs: number, seed: number): Promise<Done> => {
  const shared = new SharedArrayBuffer(Math.ceil((HEADER_BYTES + MAX_INPUT_BYTES) / 4) * 4);
  const workerData: Work = { target, inputs, seed, shared };
  const worker = new Worker(new URL('worker.js', import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
  });
  const end = await endOf(worker, shared);
  if (typeof end !== 'string') return end;
  const finding: Finding = { problem: end, input: inputIn(shared) };
  await worker.terminate();
  return { inputs: new Int32Array(shared)[0] ?? 0, answers: 0, findings: [finding] };
};
