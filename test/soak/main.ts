/**
 * npm run soak: agents come and go against real servers; nothing that a daemon holds may grow, and everything is in the record once.
 * `--minutes N`, 5 unless given; `--agents N` at the same time, 6 unless given; `--seed N`; `--trace FILE`, where each sample goes as a line of JSON. Ends with the negative controls:
 * what begins to leak after the soak (memory by the look, a connection in two rounds), as its last quarter; then connections that are left open,
 * memory that each connection leaves behind, children that nobody ends.
 */
import { appendFileSync } from 'node:fs';
import { daemonOf, openSession, type AgentSession } from '@airlock/testkit';
import { linesOf } from '../crash/kills.js';
import { conclude, report } from '../fire/command.js';
import { anySeed, flagsOf, whole, writable } from '../fire/flags.js';
import { noCounts, type Counts } from './agents.js';
import { cycle } from './cycle.js';
import { draftSubjects, launcherOf, openHouse, sentSubjects, type House } from './house.js';
import { driftOf, problemsOf, sampleOf, type Drift, type Sample } from './measure.js';
import { liveBytes, startLateLeak, startLeaking } from './preload.js';
import { recordProblems } from './record.js';

const DEFAULT_MINUTES = 5;
const DEFAULT_AGENTS = 6;
/** Each takes two cells. */
const MOST_AGENTS = 7;
/** A quarter of them warms the heaps up. */
const FEWEST_CYCLES = 32;
const CONTROL_CYCLES = 8;
/** Rounds of the soak that the late leaks follow, so that they are a last quarter. */
const BEFORE_LATE = 3 * CONTROL_CYCLES;
const LEFT_OPEN = 3;
const LATE_LEFT_OPEN = 0.5;
/** Exit status of what a signal ended. */
const STOPPED = 130;

const PROCESSES = ['airlock-totp', 'airlock-gateway', 'launcher'] as const;
type Samples = Record<(typeof PROCESSES)[number], Sample[]>;
const noSamples = (): Samples => ({ 'airlock-totp': [], 'airlock-gateway': [], launcher: [] });

const sampleAll = async (house: House, samples: Samples, trace: string | null): Promise<void> => {
  for (const name of ['airlock-totp', 'airlock-gateway'] as const) {
    const pid = await daemonOf(house.running, name);
    const live = await liveBytes(house.running, pid);
    samples[name].push(sampleOf(pid, live));
  }
  // Its memory is the harness's; its descriptors and children are those of the MCP hosts and of everything that was started.
  samples.launcher.push({ ...sampleOf(launcherOf(house)), memoryKb: 0 });
  if (trace !== null) appendFileSync(trace, `${JSON.stringify(PROCESSES.map((name) => samples[name].at(-1)))}\n`);
};

const judge = (samples: Samples): { readonly drift: Record<string, Drift>; readonly problems: string[] } => {
  const drift = Object.fromEntries(PROCESSES.map((name) => [name, driftOf(samples[name])]));
  return { drift, problems: PROCESSES.flatMap((name) => problemsOf(name, driftOf(samples[name]))) };
};

/** What the judge has to find once the daemons leak and the driver leaves connections open. */
const LEAKS = [
  ['airlock-totp', 'livePercent'],
  ['airlock-gateway', 'livePercent'],
  ['airlock-totp', 'memoryPercent'],
  ['airlock-gateway', 'memoryPercent'],
  ['airlock-totp', 'children'],
  ['airlock-gateway', 'children'],
  ['airlock-gateway', 'descriptors'],
] as const;

/** And where they only begin in the last quarter. */
const LATE_LEAKS = [
  ['airlock-totp', 'lateLivePercent'],
  ['airlock-gateway', 'lateLivePercent'],
  ['airlock-gateway', 'descriptors'],
] as const;

type Leak = readonly [(typeof PROCESSES)[number], keyof Drift];
const missedIn = (samples: Samples, leaks: readonly Leak[]): readonly string[] => {
  const { problems } = judge(samples);
  const isFound = ([name, key]: Leak): boolean => problems.some((problem) => problem.startsWith(`${name}: ${key} `));
  return leaks.filter((leak) => !isFound(leak)).map((leak) => leak.join(' '));
};

interface Given {
  readonly seed: number;
  readonly agents: number;
  readonly trace: string | null;
}

class Soak {
  readonly house: House;
  readonly counts: Counts = noCounts();
  readonly #resumes = new Map<number, string>();
  readonly #given: Given;
  cycles = 0;

  constructor(house: House, given: Given) {
    this.house = house;
    this.#given = given;
  }

  async #cycle(samples: Samples): Promise<void> {
    this.cycles += 1;
    const { seed, agents, trace } = this.#given;
    await cycle(this.house, this.counts, { seed, agents, number: this.cycles, resumes: this.#resumes });
    await sampleAll(this.house, samples, trace);
  }

  async run(minutes: number): Promise<Samples> {
    const samples = noSamples();
    const end = performance.now() + minutes * 60_000;
    while (this.cycles < FEWEST_CYCLES || performance.now() < end) await this.#cycle(samples);
    return samples;
  }

  /** A few rounds more, with so many connections left open in each. */
  async #leaking(samples: Samples, leftOpen: number): Promise<void> {
    const left: AgentSession[] = [];
    for (let index = 1; index <= CONTROL_CYCLES; index += 1) {
      while (left.length < index * leftOpen) left.push(await openSession(this.house.running, { role: 'one' }));
      await this.#cycle(samples);
    }
    for (const session of left) session.close();
  }

  /** @returns the leaks that were not found */
  async control(before: Samples): Promise<readonly string[]> {
    const samples = noSamples();
    for (const name of PROCESSES) samples[name].push(...before[name].slice(-BEFORE_LATE));
    startLateLeak(this.house.running);
    await this.#leaking(samples, LATE_LEFT_OPEN);
    const late = missedIn(samples, LATE_LEAKS).map((leak) => `late ${leak}`);
    const all = noSamples();
    startLeaking(this.house.running);
    await this.#leaking(all, LEFT_OPEN);
    return [...late, ...missedIn(all, LEAKS)];
  }

  async recorded(): Promise<string[]> {
    const { running } = this.house;
    const problems = recordProblems(this.counts, {
      ...{ totp: linesOf(running, 'totp'), gateway: linesOf(running, 'gateway') },
      ...{ sent: sentSubjects(this.house), drafts: draftSubjects(this.house) },
    });
    const verified = await running.command('airlock-ctl', ['audit', 'verify', '--json']);
    return verified.status === 0 ? problems : [...problems, `audit verify: ${verified.stdout}`];
  }
}

const FLAGS = { minutes: whole(1), agents: whole(1, MOST_AGENTS), seed: anySeed, trace: writable } as const;

export const main = async (args: readonly string[]): Promise<number> => {
  const { minutes = DEFAULT_MINUTES, agents = DEFAULT_AGENTS, seed = 1, trace = null } = flagsOf(args, FLAGS);
  const house = await openHouse();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void house.stop().finally(() => process.exit(STOPPED)));
  try {
    const soak = new Soak(house, { seed, agents, trace });
    const samples = await soak.run(minutes);
    const { cycles } = soak;
    const { drift, problems } = judge(samples);
    const missed = await soak.control(samples);
    problems.push(...missed.map((leak) => `negative control: the leak is not seen: ${leak}`), ...(await soak.recorded()));
    const last = Object.fromEntries(PROCESSES.map((name) => [name, samples[name].at(-1)]));
    const { drafts, sent, unclear, ...counts } = soak.counts;
    const written = { drafts: drafts.length, sent: sent.length, unclear: unclear.length };
    const figures = { ...counts, ...written, drift, last };
    const leaks = LEAKS.length + LATE_LEAKS.length;
    report('soak', { minutes, agents, seed, cycles, ...figures, leaks, leaksFound: leaks - missed.length });
    const checks = PROCESSES.length + leaks + 2;
    return conclude(checks - problems.length, problems);
  } finally {
    await house.stop();
  }
};
