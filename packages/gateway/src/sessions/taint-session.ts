/** What happens when an operation brought in what others wrote. */
import type { House } from '../house.js';
import type { Session } from './sessions.js';

/** TAINT-1: before anything of the answer can leave, whatever else becomes of it. Recorded once a session. @throws Error where it cannot be kept */
export const taintSession = (
  house: House,
  { id, role, operator }: Pick<Session, 'id' | 'role' | 'operator'>,
  { service, operation }: { readonly service: string; readonly operation: string },
): void => {
  const isNews = house.sessions.taint({ id, role, operator }, { sinceMs: house.clock.wallMs(), service, operation });
  if (isNews) house.journal.note('tainted', { session: id, role, operator, service, operation });
};
