/**
 * Deliberate weaknesses of an installation, one for every probe of `doctor --attack`: with it the probe has to report a hole.
 * Each is a rule on names of probes, so that a probe nobody thought of here has none, and the test says so.
 */
import type { Probe } from '@airlock/ctl';
import { COMMANDS } from './weakened-commands.js';
import { FILES } from './weakened-files.js';
import { MACHINE } from './weakened-machine.js';
import { PROCESSES } from './weakened-processes.js';
import { RIGHTS } from './weakened-rights.js';
import { SOCKETS } from './weakened-sockets.js';

/** How the machine is weakened for one probe, as bash for root with the functions of weakened.sh. */
export interface Weakening {
  readonly apply: string;
  /** Besides putting back modes, mounts, files and processes, which weakened.sh knows of. */
  readonly undo?: string;
  /** The agent runs as this user. */
  readonly as?: string;
  /** The process that is looked at is the agent's own, started by `victim`. */
  readonly victim?: true;
}

/** Name of a probe with its wall, and the weakness that belongs to it. */
export type Rule = readonly [probe: RegExp, weaken: (match: readonly string[], where: Where) => Weakening];

export interface Where {
  readonly agent: string;
  readonly role: string;
  readonly operator: string;
  readonly stateFile: string;
  readonly pids: Readonly<Record<string, number>>;
}

export const RULES: readonly Rule[] = [...PROCESSES, ...SOCKETS, ...FILES, ...MACHINE, ...COMMANDS, ...RIGHTS];

export const nameOf = ({ wall, name }: Pick<Probe, 'wall' | 'name'>): string => `${wall}: ${name}`;

/** The first rule that knows the probe. */
export const ruleFor = (probe: Pick<Probe, 'wall' | 'name'>): Rule | undefined =>
  RULES.find(([pattern]) => pattern.test(nameOf(probe)));

/** What weakens the machine for this probe; null where nobody thought of it. */
export const weakeningFor = (probe: Probe, where: Where): Weakening | null => {
  const rule = ruleFor(probe);
  const match = rule?.[0].exec(nameOf(probe));
  return rule === undefined || !match ? null : rule[1]([...match], where);
};
