/**
 * npm run fuzz: every parser, the negative control, every Unicode scalar through the prompt.
 * `--full` 1,000,000 inputs in all; `--inputs N` a parser; `--seed N`; `--target NAME`; `--replay FILE` one input of --target.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { sha256Hex } from '@airlock/protocol';
import { conclude, report } from '../fire/command.js';
import { anySeed, content, flagsOf, oneOf, Refused, whole } from '../fire/flags.js';
import { fromRoot } from '../fire/packages.js';
import { judge } from './judge.js';
import { fuzz } from './run.js';
import { TARGETS, targetOf } from './targets/index.js';
import { PLANTED } from './targets/planted.js';
import { everyScalar } from './targets/shown.js';
import type { Finding } from './worker.js';

const CI_INPUTS = 20_000;
const FULL_INPUTS = 1_000_000;
const CONTROL_INPUTS = 5_000;

/** A failure becomes a vector: test/fuzz/vectors/PARSER/HASH, read by the tests from then on. @returns how to repeat it */
const keep = (target: string, { input }: Finding): string => {
  const folder = fromRoot(`test/fuzz/vectors/${target}/`);
  mkdirSync(folder, { recursive: true });
  const name = sha256Hex(input.toString('latin1')).slice(0, 12);
  writeFileSync(new URL(name, folder), input);
  return `npm run fuzz -- --target ${target} --replay test/fuzz/vectors/${target}/${name}`;
};

const replay = async (target: string, input: Buffer): Promise<number> => {
  const { problem, answer } = await judge(targetOf(target), input);
  process.stdout.write(`${answer}\n`);
  return conclude(problem === null ? 1 : 0, problem === null ? [] : [problem]);
};

/** Each planted defect has to be found. */
const control = async (seed: number): Promise<{ readonly found: number; readonly missed: readonly string[] }> => {
  const missed: string[] = [];
  for (const { name } of PLANTED) if ((await fuzz(name, CONTROL_INPUTS, seed)).findings.length === 0) missed.push(name);
  return { found: PLANTED.length - missed.length, missed };
};

const FLAGS = {
  full: 'switch',
  inputs: whole(1),
  seed: anySeed,
  target: oneOf(...TARGETS.map(({ name }) => name)),
  replay: content,
} as const;

export const main = async (args: readonly string[]): Promise<number> => {
  const { full, inputs: wanted, seed = 1, target: only, replay: input } = flagsOf(args, FLAGS);
  if (input !== undefined) {
    if (only === undefined) throw new Refused('--replay wants --target too, whose input it is');
    return replay(only, input);
  }
  const chosen = only === undefined ? TARGETS : [targetOf(only)];
  const each = wanted ?? (full === true ? Math.ceil(FULL_INPUTS / chosen.length) : CI_INPUTS);
  const { found, missed } = await control(seed);
  const problems = missed.map((name) => `negative control: the defect of ${name} was not found`);
  const parsers: Record<string, { readonly inputs: number; readonly answers: number }> = {};
  let passed = found;
  for (const { name } of chosen) {
    const { inputs, answers, findings } = await fuzz(name, each, seed);
    parsers[name] = { inputs, answers };
    for (const finding of findings) problems.push(`${name}: ${finding.problem}; ${keep(name, finding)}`);
    if (findings.length === 0 && inputs < each) problems.push(`${name}: ${inputs} of ${each} inputs were read`);
    else if (findings.length === 0) passed += 1;
  }
  const { scalars, misleading } = everyScalar();
  for (const one of misleading.slice(0, 10)) problems.push(`the prompt shows ${one} so that it could mislead`);
  const inputs = Object.values(parsers).reduce((sum, one) => sum + one.inputs, 0);
  report('fuzz', {
    seed,
    inputs,
    parsers,
    scalars,
    misleading: misleading.length,
    planted: PLANTED.length,
    plantedFound: found,
    problems: problems.length,
  });
  return conclude(passed + (misleading.length === 0 ? 1 : 0), problems);
};
