/** Which ways a power cut may go are tried at one moment. */
import type { Dice } from '../fire/dice.js';
import type { Fate } from './model-nodes.js';

/** Up to here every selection is tried, above it the telling ones and a sample. */
const ALL_SELECTIONS_BELOW = 7;
const SAMPLE = 40;

const selection =
  (bits: number): Fate =>
  (index) =>
    ((bits >> index) & 1) === 1 ? 'kept' : 'lost';

/** Everything before a change, and the change torn or as zeros. */
const upTo =
  (count: number, last: 'torn' | 'zeros' | 'lost'): Fate =>
  (index) =>
    index < count ? 'kept' : index === count ? last : 'lost';
const allBut =
  (one: number, fate: 'torn' | 'zeros' | 'lost'): Fate =>
  (index) =>
    index === one ? fate : 'kept';

export const fatesOf = (pending: number, dice: Dice): readonly Fate[] => {
  const fates: Fate[] = [() => 'lost', () => 'kept'];
  for (let one = 0; one < pending; one += 1)
    for (const fate of ['torn', 'zeros', 'lost'] as const) fates.push(upTo(one, fate), allBut(one, fate));
  if (pending < ALL_SELECTIONS_BELOW) for (let bits = 1; bits < 2 ** pending - 1; bits += 1) fates.push(selection(bits));
  else
    for (let turn = 0; turn < SAMPLE; turn += 1) {
      const drawn = Array.from({ length: pending }, () => dice.pick(['lost', 'kept', 'kept', 'torn', 'zeros'] as const));
      fates.push((index) => drawn[index] ?? 'lost');
    }
  return fates;
};
