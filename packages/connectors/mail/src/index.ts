/** The mail connector: gmail, icloud and imap behind the wire guard, sending over SMTP, and maildir, which is only read. */
import type { Connector, ConnectorContext, ConnectorSession } from '@airlock/protocol';
import { constrained } from './constraints.js';
import { openImapSession } from './imap/session.js';
import { openMaildirSession } from './maildir/session.js';

const open = async (context: ConnectorContext): Promise<ConnectorSession> =>
  constrained(await ('path' in context.destination ? openMaildirSession(context) : openImapSession(context)));

/** Loaded by the cell. `test` logs in and out; what it throws says in `data.found` what is wrong. */
export const connector: Connector = {
  open,
  test: async (context) => {
    const session = await open(context);
    await session.close();
  },
};
