/** Every parser that is fuzzed, by name. */
import type { Target } from '../target.js';
import { FILES } from './files.js';
import { PLANTED } from './planted.js';
import { SHOWN } from './shown.js';
import { UPSTREAM } from './upstream.js';
import { WIRE } from './wire.js';

export const TARGETS: readonly Target[] = [...WIRE, ...FILES, ...UPSTREAM, ...SHOWN];

/** @throws Error naming what there is */
export const targetOf = (name: string): Target => {
  const found = [...TARGETS, ...PLANTED].find((one) => one.name === name);
  if (found === undefined) throw new Error(`no parser ${name}, expected ${TARGETS.map((one) => one.name).join(', ')}`);
  return found;
};
