/** `airlock release`: ends the lease and all that was narrowed from it. */
import { accessRelease, isAirlockError, leaseFacts } from '@airlock/client';
import { findLease, withSession, type Context } from '../context.js';
import { printResult } from '../output.js';
import type { Command } from './command.js';

export const release = (context: Context): Promise<void> =>
  withSession(context, async ({ session, store, role }) => {
    const lease = findLease(context, store, role);
    const forget = (): void => {
      if (store.readLease(role) === lease) store.clearLease(role);
    };
    try {
      await accessRelease(session, lease);
    } catch (thrown) {
      // A file whose lease is of another session or boot is of no use to anybody.
      if (isAirlockError(thrown, 'LEASE_INVALID', 'LEASE_SESSION')) forget();
      throw thrown;
    }
    forget();
    const { id } = leaseFacts(lease);
    printResult(context.output, { released: id }, () => `released ${id}`);
  });

export const RELEASE: Command = { name: 'release', summary: 'end the lease', run: release };
