/** audit: the records that are asked for, as a table, or as they come. */
import { textOption, type Invocation } from '../commands/command.js';
import type { Context } from '../context.js';
import { print, table } from '../output.js';
import { follow } from './follow.js';
import { gatewayRecords, row, totpRecords, type Filter } from './records.js';
import { newKin } from './selection.js';
import { sinceOf } from './span.js';

const kinOf = (invocation: Invocation): Filter['kin'] => {
  const [session, lease] = [textOption(invocation, 'session'), textOption(invocation, 'lease')];
  if (session === undefined && lease === undefined) return null;
  const asked = { ...(session === undefined ? {} : { session }), ...(lease === undefined ? {} : { lease }) };
  return { wanted: asked, ids: newKin(asked) };
};

/** `airlock-ctl audit`. */
export const audit = async (context: Context, invocation: Invocation): Promise<void> => {
  const filter = {
    service: textOption(invocation, 'service'),
    event: textOption(invocation, 'event'),
    sinceMs: sinceOf(invocation),
    kin: kinOf(invocation),
  };
  if (invocation.options['follow'] === true) return follow(context, filter);
  // The gateway's first: it names the session of a lease whose approval stands in the other log.
  const gateway = await gatewayRecords(context, filter);
  const totp = await totpRecords(context, filter);
  const records = [...gateway, ...totp].sort((a, b) => a.ts.localeCompare(b.ts));
  print(context, records, records.length === 0 ? 'no record' : table(['when', 'event', 'details'], records.map(row)));
};
