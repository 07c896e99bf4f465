/**
 * What follows from what is reported of an operator. Pure: one state of presence to the next.
 *
 * PRESENCE-2  only what presence froze is thawed here; the operator's lock is no part of this state.
 * PRESENCE-4  what passed freezes as what holds does.
 * PRESENCE-5  where nothing can be seen nothing thaws.
 * PRESENCE-6  silence freezes with mode `required`, and with `auto` whoever was seen at a screen.
 * PRESENCE-7  what a code waived freezes again only once it has begun again.
 */
import type { PresenceConfig, PresenceReason, Sighting } from '@airlock/protocol';

export interface PresenceState {
  /** What freezes now, sorted. */
  readonly held: readonly PresenceReason[];
  /** What holds, and was overruled by a code. */
  readonly waived: readonly PresenceReason[];
  /** A session was watched, and logind has not said since that the last one ended. */
  readonly seated: boolean;
}

export const NO_PRESENCE: PresenceState = { held: [], waived: [], seated: false };

/** One report's outcome: first what freezes, then what is left of it. */
export interface Presented {
  /** Reasons that begin; empty where none does. */
  readonly rose: readonly PresenceReason[];
  readonly frozen: PresenceState;
  readonly settled: PresenceState;
}

type Reasons = readonly PresenceReason[];

const union = (one: Reasons, other: Reasons): Reasons => [...new Set([...one, ...other])].sort();
const without = (one: Reasons, other: Reasons): Reasons => one.filter((reason) => !other.includes(reason));
const within = (one: Reasons, other: Reasons): Reasons => one.filter((reason) => other.includes(reason));

/** Reasons begin. */
export const freeze = (state: PresenceState, reasons: Reasons): PresenceState => ({
  ...state,
  held: union(state.held, reasons),
  waived: without(state.waived, reasons),
});

/** They are over. */
export const thaw = (state: PresenceState, reasons: Reasons): PresenceState => ({
  ...state,
  held: without(state.held, reasons),
  waived: without(state.waived, reasons),
});

/** PRESENCE-7: a code was given. */
export const waive = (state: PresenceState): PresenceState => ({
  ...state,
  held: [],
  waived: union(state.waived, state.held),
});

const isOn =
  ({ freezeOn }: PresenceConfig) =>
  (reason: PresenceReason): boolean =>
    reason === 'silent' || freezeOn.includes(reason);

/** Nothing is watched: the last session ended, or none can be seen. */
const unseen = (state: PresenceState, available: boolean, config: PresenceConfig): Presented => {
  const left: Reasons = available && state.seated && config.freezeOn.includes('switch') ? ['switch'] : [];
  const silent: Reasons = config.mode === 'required' ? ['silent'] : [];
  const rose = without(union(left, silent), union(state.held, state.waived));
  // A freeze by silence stays one, over a restart too, until a code or a report ends it.
  const seated = state.seated && (!available || state.held.includes('silent'));
  const frozen = { ...freeze(state, rose), seated };
  return { rose, frozen, settled: frozen };
};

/** What the report about one operator does. With mode `off` nothing is held by anything. */
export const decideReport = (
  state: PresenceState,
  available: boolean,
  { sessions, reasons, passed }: Sighting,
  config: PresenceConfig,
): Presented => {
  if (config.mode === 'off') return { rose: [], frozen: NO_PRESENCE, settled: NO_PRESENCE };
  if (!available || sessions === 0) return unseen(state, available, config);
  const now = reasons.filter(isOn(config));
  const rose = union(without(now, union(state.held, state.waived)), passed.filter(isOn(config)));
  const frozen = { ...freeze(state, rose), seated: true };
  // Of these the sessions say nothing: waking ends sleep.
  const stays: Reasons = [...now, 'sleep'];
  return { rose, frozen, settled: { ...frozen, held: within(frozen.held, stays), waived: within(frozen.waived, stays) } };
};

/** Whether it freezes that nobody can say whether the operator is there: with `auto` only where somebody could. */
const isSilenceTold = ({ seated }: PresenceState, { mode, freezeOn }: PresenceConfig): boolean =>
  mode === 'required' || (mode === 'auto' && seated && freezeOn.length > 0);

/** PRESENCE-6: nobody has seen anything for too long. @returns what begins */
export const decideSilence = (state: PresenceState, silentMs: number, config: PresenceConfig): Reasons =>
  isSilenceTold(state, config) && silentMs >= config.silenceS * 1000 ? without(['silent'], union(state.held, state.waived)) : [];

const ALL: Reasons = ['idle', 'lock', 'silent', 'sleep', 'switch'];

/** What root has configured away. */
export const notConfigured = (state: PresenceState, config: PresenceConfig): Reasons =>
  config.mode === 'off' ? ALL : without(ALL, isSilenceTold(state, config) ? [...config.freezeOn, 'silent'] : config.freezeOn);
