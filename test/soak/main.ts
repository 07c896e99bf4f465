/**
 * npm run soak: agents come and go against a real Dovecot; nothing that a daemon holds may grow, and every call is in the record.
 * `--minutes N`, 5 unless given; `--seed N`. Ends with the negative control: a driver that leaves its connections open.
 */
import { daemonOf, openSession, type AgentSession } from '@airlock/testkit';
import { linesOf } from '../crash/kills.js';
import { argumentsOf, conclude, report } from '../fire/command.js';
import { Dice } from '../fire/dice.js';
import { cycle, openHouse, type Counts, type House } from './agents.js';
import { driftOf, problemsOf, sampleOf, type Drift, type Sample } from './measure.js';

const DEFAULT_MINUTES = 5;
/** A third of them warms the heaps up: with ten they still rise. */
const FEWEST_CYCLES = 30;
const CONTROL_CYCLES = 6;

type Samples = Record<'totp' | 'gateway', Sample[]>;
const sampleBoth = async ({ running }: House, samples: Samples): Promise<void> => {
  samples.totp.push(sampleOf(await daemonOf(running, 'airlock-totp')));
  samples.gateway.push(sampleOf(await daemonOf(running, 'airlock-gateway')));
};

const judge = (samples: Samples): { readonly drift: Record<string, Drift>; readonly problems: string[] } => {
  const drift = { totp: driftOf(samples.totp), gateway: driftOf(samples.gateway) };
  return { drift, problems: [...problemsOf('airlock-totp', drift.totp), ...problemsOf('airlock-gateway', drift.gateway)] };
};

/** Connections that nobody closes have to show as descriptors. */
const control = async (house: House, counts: Counts, dice: Dice): Promise<boolean> => {
  const samples: Samples = { totp: [], gateway: [] };
  const left: AgentSession[] = [];
  for (let index = 0; index < CONTROL_CYCLES; index += 1) {
    await cycle(house, counts, dice);
    for (let one = 0; one < 3; one += 1) left.push(await openSession(house.running));
    await sampleBoth(house, samples);
  }
  for (const session of left) session.close();
  return judge(samples).problems.some((problem) => problem.includes('descriptors'));
};

const soak = async (house: House, minutes: number, seed: number): Promise<number> => {
  const dice = new Dice(seed, 'soak');
  const counts: Counts = { leases: 0, calls: 0, released: 0 };
  const samples: Samples = { totp: [], gateway: [] };
  const end = performance.now() + minutes * 60_000;
  let cycles = 0;
  for (; cycles < FEWEST_CYCLES || performance.now() < end; cycles += 1) {
    await cycle(house, counts, dice);
    await sampleBoth(house, samples);
  }
  const { drift, problems } = judge(samples);
  const hasFound = await control(house, counts, dice);
  if (!hasFound) problems.push('negative control: connections that were left open are not seen');
  const recorded = linesOf(house.running, 'gateway').filter(({ event }) => event === 'operation_allowed').length;
  if (recorded !== counts.calls) problems.push(`${counts.calls} calls were answered, ${recorded} are in the record`);
  const verified = await house.running.command('airlock-ctl', ['audit', 'verify', '--json']);
  if (verified.status !== 0) problems.push(`audit verify: ${verified.stdout}`);
  const last = { totp: samples.totp.at(-1), gateway: samples.gateway.at(-1) };
  report('soak', { minutes, seed, cycles, ...counts, recorded, drift, last, leakFound: hasFound });
  return conclude(4 - Math.min(4, problems.length), problems);
};

export const main = async (args: readonly string[]): Promise<number> => {
  const given = argumentsOf(args, ['minutes', 'seed']);
  const house = await openHouse();
  try {
    return await soak(house, given.number('minutes', DEFAULT_MINUTES), given.number('seed', 1));
  } finally {
    await house.stop();
  }
};
