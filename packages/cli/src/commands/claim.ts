/** `airlock claim [GRANT]`: takes up what the operator granted unasked, and keeps the lease. */
import { claimGrant, leaseFacts } from '@airlock/client';
import { withSession, type Context } from '../context.js';
import { printNote, printResult } from '../output.js';
import type { Command } from './command.js';
import { keepLease } from './request.js';

export const claim = (context: Context, wanted: string | undefined): Promise<void> =>
  withSession(context, async (connected) => {
    const claimed = await claimGrant(connected.session, wanted);
    keepLease(connected, claimed);
    const scopes = leaseFacts(claimed.lease).scopes;
    printResult(context.output, claimed, () => `claimed ${claimed.grant} until ${claimed.expiresAt}: ${scopes.join(', ')}`);
    if (claimed.intent !== undefined)
      printNote(context.output, `it is bound to an intent; send it with each call: --intent ${JSON.stringify(claimed.intent)}`);
  });

export const CLAIM: Command = {
  name: 'claim',
  args: '[grant]',
  summary: 'take up access that the operator granted unasked; without GRANT the only one there is',
  run: (context, { args: [grant] }) => claim(context, grant),
};
