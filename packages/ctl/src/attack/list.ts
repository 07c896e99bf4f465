/** The one list of probes: `doctor --attack` runs those that cannot harm, the system tests run all. */
import { commandProbes } from './commands.js';
import { fileProbes } from './files.js';
import { machineProbes } from './machine.js';
import type { Probe, Targets } from './probe.js';
import { processProbes } from './processes.js';
import { rightsProbes } from './rights.js';
import { socketProbes } from './sockets.js';

/** Everything that is tried from one agent's user. */
export const allProbes = (targets: Targets): readonly Probe[] => [
  ...socketProbes(targets),
  ...fileProbes(targets),
  ...Object.entries(targets.pids).flatMap(([name, pid]) => processProbes(name, pid, targets)),
  ...rightsProbes(targets),
  ...machineProbes(targets),
  ...commandProbes(targets),
];

/** What may be tried on a machine that somebody needs. */
export const harmlessProbes = (targets: Targets): readonly Probe[] =>
  allProbes(targets).filter(({ harms, then }) => harms !== true && then === undefined);

export type { Probe, Targets, Wall } from './probe.js';
