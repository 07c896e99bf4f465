/** Hostile calendars as texts, made to burst their reader. */
import { serveCaldav } from '../caldav-double.js';
import { calendar, DAY, event, FINE, GOOD, http, REFUSED, SHOWN, SKIPPED, START } from './calendar-parts.js';
import { HOSTILE_CALDAV } from './caldav.js';
import type { HostileFixture } from './fixture.js';

/** Serves one text to whoever asks. */
const ics = (
  name: string,
  text: () => string | Buffer,
  expect: HostileFixture['expect'],
  type = 'text/calendar',
): HostileFixture => ({
  name: `ics-${name}`,
  kind: 'ics',
  operation: 'range',
  params: { ...DAY, limit: 200 },
  connection: (socket) => serveCaldav(socket, { answer: () => http(200, { 'content-type': type }, text()) }),
  expect,
  upstream: 'either',
});

const beside = (...parts: readonly string[]): string => calendar(...parts, GOOD);
const repeated = (count: number, make: (index: number) => string): string =>
  Array.from({ length: count }, (_unused, index) => make(index)).join('\r\n');

const zoneBomb = (): string =>
  beside(
    repeated(300, (zone) =>
      [
        'BEGIN:VTIMEZONE',
        `TZID:Zone ${zone}`,
        repeated(300, () =>
          [
            'BEGIN:STANDARD',
            'DTSTART:19000101T000000',
            'TZOFFSETFROM:+0100',
            'TZOFFSETTO:+0200',
            'RRULE:FREQ=SECONDLY',
            'END:STANDARD',
          ].join('\r\n'),
        ),
        'END:VTIMEZONE',
      ].join('\r\n'),
    ),
    ...Array.from({ length: 20 }, (_unused, zone) => event(`UID:z${zone}`, `DTSTART;TZID=Zone ${zone}:20250101T100000`)),
  );

/** Texts, each served to kind `ics`. */
const TEXTS: readonly HostileFixture[] = [
  ics('seconds-for-ever', () => beside(event('UID:s', START, 'RRULE:FREQ=SECONDLY', 'SUMMARY:s')), {
    result: (result) => ((result as { readonly truncated: boolean }).truncated ? null : 'not said to be truncated'),
  }),
  ics('thirtieth-of-february', () => beside(event('UID:s', START, 'RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30')), FINE),
  ics(
    'thousand-impossible-rules',
    () => beside(repeated(1000, (n) => event(`UID:s${n}`, START, 'RRULE:FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30'))),
    FINE,
  ),
  ics(
    'kilobyte-of-rule',
    () =>
      beside(
        event(
          'UID:s',
          START,
          `RRULE:FREQ=YEARLY;BYDAY=${['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'].join(',')};BYHOUR=${Array.from({ length: 24 }, (_u, n) => n).join(',')};BYMINUTE=${Array.from({ length: 60 }, (_u, n) => n).join(',')};BYSECOND=${Array.from({ length: 60 }, (_u, n) => n).join(',')};BYSETPOS=-366`,
        ),
      ),
    SHOWN,
  ),
  ics(
    'rule-of-two-hundred-kilobytes',
    () =>
      beside(
        event(
          'UID:s',
          START,
          `RRULE:FREQ=YEARLY;BYYEARDAY=${Array.from({ length: 60_000 }, (_u, n) => (n % 366) + 1).join(',')}`,
        ),
      ),
    SKIPPED,
  ),
  ics('nested-calendars', () => 'BEGIN:VCALENDAR\r\n'.repeat(100_000) + 'END:VCALENDAR\r\n'.repeat(100_000), REFUSED),
  ics('nested-events', () => calendar('BEGIN:VEVENT\r\n'.repeat(50_000) + 'END:VEVENT\r\n'.repeat(50_000)), REFUSED),
  ics('endless-line', () => beside(event('UID:s', 'DTSTART:20250328T100000Z', `SUMMARY:${'x'.repeat(8_000_000)}`)), FINE),
  ics('unfolding-bomb', () => beside(event('UID:s', `DTSTART:20250328T100000Z${'\r\n 0'.repeat(900_000)}`)), SKIPPED),
  ics(
    'hundred-thousand-exdates',
    () =>
      beside(
        event(
          'UID:s',
          START,
          'RRULE:FREQ=DAILY',
          repeated(100_000, () => 'EXDATE:20250328T100000Z'),
        ),
      ),
    SKIPPED,
  ),
  ics(
    'exdates-in-one-line',
    () => beside(event('UID:s', START, 'RRULE:FREQ=DAILY', `EXDATE:${'20250328T100000Z,'.repeat(100_000)}20250328T100000Z`)),
    SKIPPED,
  ),
  ics(
    'hundred-thousand-attendees',
    () =>
      beside(
        event(
          'UID:s',
          'DTSTART:20250328T110000Z',
          'SUMMARY:s',
          repeated(100_000, (n) => `ATTENDEE;CN="a${n}":mailto:a${n}@example.org`),
        ),
      ),
    FINE,
  ),
  ics('zone-bomb', zoneBomb, FINE),
  ics('parameters-bomb', () => beside(event('UID:s', `DTSTART${';X=y'.repeat(15_000)}:20250328T110000Z`)), FINE),
  ics(
    'hundred-thousand-events',
    () =>
      calendar(
        GOOD,
        repeated(100_000, (n) => event(`UID:${n}`, 'DTSTART:20250329T110000Z')),
      ),
    SKIPPED,
  ),
  ics(
    'sixty-thousand-changed-instances',
    () =>
      beside(
        event('UID:s', START, 'RRULE:FREQ=DAILY'),
        repeated(40_000, (n) =>
          event(
            'UID:s',
            `RECURRENCE-ID:20${String(n % 100).padStart(2, '0')}0101T${String(n % 24).padStart(2, '0')}${String(n % 60).padStart(2, '0')}${String(Math.floor(n / 60) % 60).padStart(2, '0')}Z`,
          ),
        ),
      ),
    SKIPPED,
  ),
  ics('line-of-nothing', () => Buffer.alloc(15_000_000, 0x0a), REFUSED),
  ics('a-login-page', () => '<!doctype html><html><body>Sign in</body></html>', REFUSED, 'text/html'),
  ics('cut-off', () => calendar(GOOD).slice(0, -20), REFUSED),
  ics('gigantic', () => Buffer.concat([Buffer.from(calendar(GOOD)), Buffer.alloc(20_000_000, 0x20)]), REFUSED),
];

/** All hostile calendars: texts of kind `ics` and servers of kind `caldav`. */
export const HOSTILE_CALENDAR: readonly HostileFixture[] = [...TEXTS, ...HOSTILE_CALDAV];
