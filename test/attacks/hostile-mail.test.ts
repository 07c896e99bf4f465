// Mail servers and messages that attack their reader, through the whole house: each call ends with its code, the upstream connection is
// in its stated state, the cell stays within its memory, and another client's next call is answered as if nothing had happened.
import { HOSTILE_IMAP, HOSTILE_MAIL, serveImap } from '@airlock/testkit';
import { attackAll } from './support/hostile-call.js';

attackAll('hostile mail', [...HOSTILE_IMAP, ...HOSTILE_MAIL], {
  ...{ name: 'harmless', kind: 'imap', operation: 'list_messages', params: {}, upstream: 'closed' },
  connection: (socket) => serveImap(socket, { messages: [{ uid: 1, headers: 'Subject: x' }] }),
  expect: { code: 'UPSTREAM_REFUSED' },
});
