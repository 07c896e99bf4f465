/** Why leases are frozen while the operator is away, and what a caller is told of it (docs/spec/presence.md). */
import { AirlockError } from './errors.js';

/** What logind can say of sessions. */
export const SEEN_REASONS = ['idle', 'lock', 'switch'] as const;
export type SeenReason = (typeof SEEN_REASONS)[number];

/** What can be configured; `silent` follows from the mode. */
export const PRESENCE_SWITCHES = ['idle', 'lock', 'sleep', 'switch'] as const;
export type PresenceSwitch = (typeof PRESENCE_SWITCHES)[number];

export type PresenceReason = PresenceSwitch | 'silent';

export interface PresenceConfig {
  /** `auto`: what is seen freezes, and that it is seen no longer; `required`: what cannot be seen does too; `off`: nothing. */
  readonly mode: 'auto' | 'required' | 'off';
  readonly freezeOn: readonly PresenceSwitch[];
  /** PRESENCE-6. */
  readonly silenceS: number;
}

export const DEFAULT_PRESENCE: PresenceConfig = { mode: 'auto', freezeOn: PRESENCE_SWITCHES, silenceS: 20 };

/** What presence freezes, and what is heard of it (docs/spec/presence.md). */
export interface PresenceView {
  readonly mode: PresenceConfig['mode'];
  /** What freezes now. */
  readonly reasons: readonly PresenceReason[];
  /** What holds and was overruled by a code. */
  readonly waived: readonly PresenceReason[];
  /** A session was watched, and has not ended as far as anybody knows. */
  readonly seated: boolean;
  /** Since the last report; null: there was none. */
  readonly heardS: number | null;
  /** Whether logind answers; null: not known. */
  readonly available: boolean | null;
  /** How many sessions are watched; null: not known. */
  readonly sessions: number | null;
}

/** What freezes an operator's leases: the operator, or that nobody is there. */
export interface Freeze {
  readonly locked: boolean;
  readonly presence: readonly PresenceReason[];
}

export const isFrozen = ({ locked, presence }: Freeze): boolean => locked || presence.length > 0;

const WORDS: Readonly<Record<PresenceReason, string>> = {
  lock: 'the screen is locked',
  sleep: 'the machine sleeps or has just woken',
  switch: "the operator's session is not in front",
  idle: 'nobody is at the screen',
  silent: 'nobody can say whether the operator is there',
};

/** In words, most telling first. */
export const presenceText = (reasons: readonly PresenceReason[]): string =>
  (['sleep', 'lock', 'switch', 'idle', 'silent'] as const)
    .filter((reason) => reasons.includes(reason))
    .map((reason) => WORDS[reason])
    .join(', ');

const REMEDIES: Readonly<Record<PresenceReason, string>> = {
  lock: 'unlock the screen',
  sleep: 'wake the machine',
  switch: 'go back to the session',
  idle: 'move the mouse or press a key',
  silent: 'run airlock-ctl doctor',
};

const remedy = (reasons: readonly PresenceReason[]): string => reasons.map((reason) => REMEDIES[reason]).join(', ');

/** PRESENCE-1: LOCKED, with why and what to do. */
export const frozenError = ({ locked, presence }: Freeze): AirlockError =>
  locked || presence.length === 0
    ? new AirlockError('LOCKED', 'the operator locked Airlock')
    : new AirlockError('LOCKED', `leases are frozen: ${presenceText(presence)}`, {
        hint: `the operator has to be there: ${remedy(presence)}; then reading goes on, and what writes or sends out needs a code (away from the screen: airlock-ctl unlock)`,
      });
