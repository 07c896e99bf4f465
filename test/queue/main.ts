/** npm run model: the approval queue, checked exhaustively to a bound and by interleavings of the real code. `--full`, `--runs N`, `--seed N`. */
import { conclude, report } from '../fire/command.js';
import { anySeed, flagsOf, whole } from '../fire/flags.js';
import { explore, lockout, type Bound } from './explore.js';
import { interleave } from './lockstep.js';
import { RULES, type Rules } from './model.js';

/** CI size: six requests at once. */
const SMALL: Bound = { places: { agents: 4, role: 3, operator: 2 }, roles: ['a', 'b'] };
/** Three roles, eight requests at once: minutes. */
const FULL: Bound = { places: { agents: 5, role: 3, operator: 3 }, roles: ['a', 'b', 'c'] };

/** Rules whose absence has to be found, and as what. */
const SWAPS: readonly (keyof Rules)[] = ['floor', 'onlyFront', 'keepsFront'];
const LOCKOUTS: readonly (keyof Rules)[] = ['keepsFront', 'ownPlaces'];
const lacking = (rule: keyof Rules): Rules => ({ ...RULES, [rule]: false });

const FLAGS = { full: 'switch', seed: anySeed, runs: whole(1) } as const;

export const main = async (args: readonly string[]): Promise<number> => {
  const { full = false, seed = 6238, runs = full ? 1_000_000 : 50_000 } = flagsOf(args, FLAGS);
  const bound = full ? FULL : SMALL;
  const problems: string[] = [];
  const swap = explore(bound);
  if (swap.swap !== null) problems.push(`a swap: ${swap.swap.join(', ')}`);
  const locked = lockout(bound);
  if (locked.operatorMoves === null) problems.push('an operator can be locked out by agents');
  const real = interleave(runs, seed);
  if (real.difference !== null) problems.push(real.difference);
  if (real.difference === null && real.moves === 0) problems.push('the real code made no move');
  if (real.swaps > 0) problems.push(`${real.swaps} swaps in the real code`);
  const controls: Record<string, readonly string[] | string> = {};
  for (const rule of SWAPS) {
    const { swap: way } = explore(SMALL, lacking(rule));
    controls[`swap without ${rule}`] = way ?? 'NOT FOUND';
    if (way === null) problems.push(`negative control: without ${rule} no swap is found`);
  }
  for (const rule of LOCKOUTS) {
    const { operatorMoves } = lockout(SMALL, lacking(rule));
    controls[`lockout without ${rule}`] = operatorMoves === null ? 'found' : 'NOT FOUND';
    if (operatorMoves !== null) problems.push(`negative control: without ${rule} no lockout is found`);
  }
  const broken = interleave(2000, seed, false);
  if (broken.difference === null) problems.push('negative control: the real code without its floor rule agrees with the model');
  const { swap: beyond } = explore({ ...SMALL, eager: true });
  report('queue', {
    bound,
    states: swap.states,
    transitions: swap.transitions,
    swaps: swap.swap === null ? 0 : 1,
    lockout: locked,
    interleavings: { runs, seed, ...real },
    beyond: { 'two codes read for one display': beyond },
    controls: { ...controls, 'real code without floor': broken.difference ?? 'NOT FOUND' },
  });
  return conclude(3 + SWAPS.length + LOCKOUTS.length + 1 - problems.length, problems);
};
