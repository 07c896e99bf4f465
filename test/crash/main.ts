/**
 * npm run test:crash: kills at random moments; power cuts and failing calls under everything that is durable.
 * `--full`: 1,000 kills and 40 seeds of the sampled selections; `--kills N`; `--seed N`; `--story NAME`, one of the stories alone,
 * `all` or `none`.
 */
import { conclude, report } from '../fire/command.js';
import { anySeed, flagsOf, oneOf, Refused, whole } from '../fire/flags.js';
import { killThrough } from './kills.js';
import { cutPower, failCalls, UNHEARD, type Survey } from './powercut.js';
import { SCENARIOS } from './scenarios.js';

const FULL_SEEDS = 40;
const CI_KILLS = 36;
const FULL_KILLS = 1000;
/** A sync of this kind does nothing and says that it did: what is lost by that has to be found. */
const LIES = [
  ['datasync', 'a file that is not synced'],
  ['sync', 'a name whose directory is not synced'],
] as const;

type Figures = Pick<Survey, 'moments' | 'states' | 'sealed' | 'lost'>;

/** Of one seed more of the same story. */
const added = (before: Figures | undefined, { moments, states, sealed, lost }: Survey): Figures => {
  if (before === undefined) return { moments, states, sealed, lost };
  const reasons = new Set([...Object.keys(before.sealed), ...Object.keys(sealed)]);
  const both = [...reasons].map((why) => [why, (before.sealed[why] ?? 0) + (sealed[why] ?? 0)] as const);
  const sum = { moments: before.moments + moments, states: before.states + states, lost: before.lost + lost };
  return { ...sum, sealed: Object.fromEntries(both) };
};

const FLAGS = {
  full: 'switch',
  seed: anySeed,
  kills: whole(0),
  story: oneOf(...SCENARIOS.map(({ name }) => name), 'all', 'none'),
} as const;

export const main = async (args: readonly string[]): Promise<number> => {
  const { full = false, seed = 1, kills = full ? FULL_KILLS : CI_KILLS, story = 'all' } = flagsOf(args, FLAGS);
  if (kills === 0 && story === 'none') throw new Refused('--kills 0 --story none leaves nothing to prove');
  const problems: string[] = [];
  const surveys: Record<string, Figures> = {};
  const controls: Record<string, number> = {};
  let checks = 0;
  const note = (name: string, survey: Survey, of = ''): void => {
    checks += 1;
    surveys[name] = added(surveys[name], survey);
    if (survey.states === 0) problems.push(`${name}${of}: no state was seen`);
    if (survey.lost > 0)
      problems.push(`${name}${of}: ${survey.lost} of ${survey.states} states lost something; ${survey.example ?? ''}`);
  };
  for (const scenario of SCENARIOS.filter(({ name }) => story === 'all' || name === story)) {
    for (let more = 0; more < (full ? FULL_SEEDS : 1); more += 1)
      note(`${scenario.name} power cuts`, await cutPower(scenario, seed + more), `, seed ${seed + more}`);
    note(`${scenario.name} failing calls`, await failCalls(scenario));
    const control = (what: string, { lost }: Survey): void => {
      checks += 1;
      controls[`${scenario.name}: ${what}`] = lost;
      if (lost === 0) problems.push(`negative control: ${scenario.name} with ${what} loses nothing`);
    };
    for (const [lie, what] of LIES) control(what, await cutPower(scenario, seed, new Set([lie])));
    for (const [what, fault] of Object.entries(UNHEARD)) control(what, await failCalls(scenario, [fault]));
  }
  const killed = await killThrough(kills, seed);
  problems.push(...killed.problems);
  if (kills > 0) checks += 1;
  if (kills > 0 && killed.leases === 0) problems.push(`${killed.kills} kills, and no lease got through: nothing to judge`);
  report('crash', { seed, kills: killed, surveys, controls });
  return conclude(checks - problems.length, problems);
};
