/**
 * Logs that are served are read while their daemons go on: a segment may be removed because of its age meanwhile, as it should be. At
 * most one goes an hour (AUDIT-27), so a second reading tells that from damage.
 */
import { AirlockError } from '@airlock/protocol';
import type { Results } from './verdict.js';

/**
 * Whether damage may be a segment that was removed after the heads were asked for: they do not cover the record that says so. Pure.
 */
export const mayHaveShrunk = (results: Results): boolean =>
  Object.values(results).some(({ ok, from }) => !ok && from !== undefined);

/** null: a segment that was listed is not there any more. */
const unlessGone = async <T>(reading: Promise<T>): Promise<T | null> => {
  try {
    return await reading;
  } catch (thrown) {
    if (thrown instanceof AirlockError && thrown.code === 'NOT_FOUND') return null;
    throw thrown;
  }
};

/** Once more where a segment may have gone. @throws AirlockError AUDIT_UNAVAILABLE where one that is listed is never there */
export const readTwice = async <T extends { readonly results: Results }>(read: () => Promise<T>): Promise<T> => {
  const first = await unlessGone(read());
  if (first !== null && !mayHaveShrunk(first.results)) return first;
  const second = await unlessGone(read());
  if (second !== null) return second;
  throw new AirlockError('AUDIT_UNAVAILABLE', 'a log lists a segment that it does not give, twice', {
    hint: 'sudo airlock-ctl doctor; keep the files of both logs, and look at copies of them: audit verify --dir',
  });
};
