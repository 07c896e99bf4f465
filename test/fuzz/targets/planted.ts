/** The negative control: parsers with a defect each, which have to be found. */
import { parseJsonStrict } from '@airlock/protocol';
import { texts } from '../seeds.js';
import { hold, refusal, type Target } from '../target.js';

const SEED = '{"name":"a","limit":10,"tags":["x","y"]}';
const base = { seeds: texts(SEED), tokens: ['"limit":'], refuses: refusal('FRAME_INVALID') };
type Read = { readonly limit?: number; readonly tags?: readonly string[] } | null;
const read = (input: Buffer): Read => parseJsonStrict(input) as Read;

/** Takes what it read for what it hoped for. */
const crash: Target = { ...base, name: 'planted-crash', run: (input) => read(input)?.tags?.map((tag) => tag.toUpperCase()) };
/** Reads a limit as a 32-bit number. */
const wrong: Target = {
  ...base,
  name: 'planted-wrong',
  run: (input) => {
    const limit = read(input)?.limit;
    if (typeof limit === 'number' && Number.isSafeInteger(limit))
      hold((limit | 0) === limit, 'a limit is read as another number');
  },
};
/** A pattern that backtracks. */
const slow: Target = {
  ...base,
  name: 'planted-slow',
  maxCpuMs: 20,
  run: (input) => /^(?:a+)+:$/.test(`${'a'.repeat(input.length > 60 ? 24 : 2)}!`),
};

/** Waits for what never comes where there are tags. */
const hangs: Target = {
  ...base,
  name: 'planted-hangs',
  maxWaitMs: 20,
  run: async (input) => (read(input)?.tags === undefined ? null : new Promise(() => undefined)),
};
/** Ends the thread that reads, without a word. */
const ends: Target = {
  ...base,
  name: 'planted-ends',
  run: (input) => (read(input)?.tags === undefined ? null : process.exit(0)),
};

export const PLANTED: readonly Target[] = [crash, wrong, slow, hangs, ends];
