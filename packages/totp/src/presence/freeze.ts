/**
 * What a freeze does to an operator's state, durably, and what is recorded of it.
 *
 * PRESENCE-1  the freeze is on disk before the report is answered.
 * PRESENCE-3  every lease and grant that lives when a reason begins is marked; approvals not carried out end.
 */
import { frozenError, isFrozen, type AirlockError, type Freeze, type PresenceReason } from '@airlock/protocol';
import type { Desk } from '../operators/desk.js';
import type { OperatorState } from '../queue/state.js';
import { NO_PRESENCE, waive, type PresenceState, type Presented } from './decide.js';

/** What presence holds of an operator. */
export const presenceOf = ({ presence = NO_PRESENCE }: Pick<OperatorState, 'presence'>): PresenceState => presence;

type Frozen = Pick<OperatorState, 'locked' | 'presence'>;

export const freezeOf = (state: Frozen): Freeze => ({ locked: state.locked, presence: presenceOf(state).held });

/** LOCKED with what freezes, or null. */
export const freezeRefusal = (state: Frozen): AirlockError | null => {
  const freeze = freezeOf(state);
  return isFrozen(freeze) ? frozenError(freeze) : null;
};

/** @throws AirlockError LOCKED */
export const requireThawed = (state: Frozen): void => {
  const refusal = freezeRefusal(state);
  if (refusal !== null) throw refusal;
};

const isSame = (one: PresenceState, other: PresenceState): boolean => JSON.stringify(one) === JSON.stringify(other);

const marked = <T extends { readonly stepUp?: true }>(list: readonly T[]): readonly T[] =>
  list.every(({ stepUp }) => stepUp === true) ? list : list.map((one) => ({ ...one, stepUp: true as const }));

/** The state once the reasons have begun. Pure. */
export const frozenState = (state: OperatorState, presence: PresenceState): OperatorState => ({
  ...state,
  presence,
  leases: marked(state.leases),
  grants: marked(state.grants),
  operations: [],
});

/** PRESENCE-7: what a code makes of it. Pure. */
export const unlockedState = (state: OperatorState): OperatorState => ({
  ...state,
  locked: false,
  ...(state.presence === undefined ? {} : { presence: waive(state.presence) }),
});

const settle = (desk: Desk, presence: PresenceState): void => {
  const before = presenceOf(desk.state);
  if (isSame(before, presence)) return;
  if (before.held.length > 0 && presence.held.length === 0) desk.house.journal.note('presence_thawed', desk.fields({}));
  desk.commit({ ...desk.state, presence });
};

/** In force on return. @throws AirlockError VAULT_UNREADABLE where it cannot be written; the daemon is sealed then, which freezes all */
export const applyPresence = (desk: Desk, { rose, frozen, settled }: Presented): void => {
  if (rose.length > 0) {
    // What only takes away happens even where it cannot be recorded (JOURNAL-2).
    desk.house.journal.note('presence_frozen', desk.fields({ why: [...rose] }));
    desk.commit(frozenState(desk.state, frozen));
  }
  settle(desk, settled);
};

/** Reasons begin and stay. */
export const applyFreeze = (desk: Desk, rose: readonly PresenceReason[], frozen: PresenceState): void =>
  applyPresence(desk, { rose, frozen, settled: frozen });
