/** What happens when an operation brought in what others wrote. */
import type { House } from '../house.js';
import type { Identity } from './sessions.js';

/** TAINT-1: before anything of the answer can leave, whatever else becomes of it. All sessions of the role are (TAINT-4); recorded once a session. @throws Error where it cannot be kept */
export const taintSession = (
  house: House,
  { role, operator }: Identity,
  { service, operation }: { readonly service: string; readonly operation: string },
): void => {
  const tainted = house.sessions.taint({ role, operator }, { sinceMs: house.clock.wallMs(), service, operation });
  for (const session of tainted) house.journal.note('tainted', { session, role, operator, service, operation });
};
