/** Methods of presence.sock: airlock-presence says whether operators are there. docs/spec/presence.md */
import { SEEN_REASONS, type SeenReason } from '../presence.js';
import { bool, closed, integer, name } from './shapes.js';

/** Of one operator. */
export interface Sighting {
  readonly operator: string;
  /** How many sessions are watched. */
  readonly sessions: number;
  /** What holds now. */
  readonly reasons: readonly SeenReason[];
  /** What began since the last report that was answered. */
  readonly passed: readonly SeenReason[];
}
export interface PresenceReport {
  /** logind answers. */
  readonly available: boolean;
  readonly operators: readonly Sighting[];
}

const seen = { type: 'array', maxItems: SEEN_REASONS.length, uniqueItems: true, items: { enum: [...SEEN_REASONS] } };

export const PRESENCE_SCHEMAS = {
  'presence.report': closed({
    available: bool,
    operators: {
      type: 'array',
      maxItems: 32,
      items: closed({ operator: name, sessions: integer(0, 4096), reasons: seen, passed: seen }),
    },
  }),
  'presence.sleep': closed({ asleep: bool }),
} as const;
