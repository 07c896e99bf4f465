/** QUEUE-8: each denial of a role's request starts a cool-off of that role, doubled each time up to an hour. */
import { TOTP_LIMITS } from '../limits.js';
import type { Now, OperatorState } from './state.js';

/** Milliseconds a role still has to wait; 0 where it may ask. */
export const coolOffLeftMs = (state: OperatorState, role: string, now: Now): number =>
  Math.max(0, (state.coolOff[role]?.untilBootMs ?? 0) - now.bootMs);

export const startCoolOff = (state: OperatorState, role: string, now: Now): OperatorState => {
  const denials = (state.coolOff[role]?.denials ?? 0) + 1;
  const delayMs = Math.min(TOTP_LIMITS.maxCoolOffMs, TOTP_LIMITS.coolOffMs * 2 ** Math.min(denials - 1, 30));
  return { ...state, coolOff: { ...state.coolOff, [role]: { denials, delayMs, untilBootMs: now.bootMs + delayMs } } };
};

export const clearCoolOff = (state: OperatorState, role: string): OperatorState => {
  const rest = Object.entries(state.coolOff).filter(([name]) => name !== role);
  return { ...state, coolOff: Object.fromEntries(rest) };
};
