/** What sessions of logind say about an operator. Pure. */
import type { SeenReason } from '@airlock/protocol';

/** A session as far as it matters. */
export interface SessionView {
  readonly path: string;
  readonly uid: number;
  readonly active: boolean;
  readonly locked: boolean;
  readonly idle: boolean;
  /** `Lock` was signalled; it counts until then, on the monotonic clock. */
  readonly askedUntilMs: number;
}

/** Watched sessions of one operator → what holds. None where none is watched: that is for airlock-totp to judge. */
export const reasonsOf = (sessions: readonly SessionView[], nowMs: number): readonly SeenReason[] => {
  if (sessions.length === 0) return [];
  const found: SeenReason[] = [];
  if (sessions.every(({ idle }) => idle)) found.push('idle');
  if (sessions.some(({ locked, askedUntilMs }) => locked || nowMs < askedUntilMs)) found.push('lock');
  if (!sessions.some(({ active }) => active)) found.push('switch');
  return found;
};

/** What begins between two views of the same sessions (PRESENCE-4). */
export const begun = (before: readonly SeenReason[], after: readonly SeenReason[]): readonly SeenReason[] =>
  after.filter((reason) => !before.includes(reason));
