// Calendars and CalDAV servers that attack their reader, through the whole house, as hostile-mail does.
import { HOSTILE_CALENDAR, serveCaldav } from '@airlock/testkit';
import { attackAll } from './support/hostile-call.js';

attackAll('hostile calendars', HOSTILE_CALENDAR, {
  ...{ name: 'harmless', kind: 'ics', operation: 'today', params: {}, upstream: 'closed' },
  connection: (socket) =>
    serveCaldav(socket, {
      answer: () => ({
        status: 200,
        headers: { 'content-type': 'text/calendar' },
        body: 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n',
      }),
    }),
  expect: { code: 'UPSTREAM_REFUSED' },
});
