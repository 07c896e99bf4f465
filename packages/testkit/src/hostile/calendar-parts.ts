/** What hostile calendars are made of, and what has to come of them. */
import type { Json } from '@airlock/protocol';
import type { HostileFixture } from './fixture.js';

/** The window that is asked about. */
export const DAY = { from: '2025-03-28', to: '2025-03-28' };
/** Refused as unreadable. */
export const REFUSED: HostileFixture['expect'] = { code: 'UPSTREAM_REFUSED' };

/** A text with these components. */
export const calendar = (...parts: readonly string[]): string =>
  ['BEGIN:VCALENDAR', 'VERSION:2.0', ...parts, 'END:VCALENDAR', ''].join('\r\n');
/** A VEVENT of these lines. */
export const event = (...lines: readonly string[]): string => ['BEGIN:VEVENT', ...lines, 'END:VEVENT'].join('\r\n');
/** What has to be shown whatever stands beside it. */
export const GOOD = event('UID:good', 'DTSTART:20250328T100000Z', 'SUMMARY:good');
/** Long before the window. */
export const START = 'DTSTART:20000101T100000Z';

/** Titles of the events of a list. */
export const titlesOf = (result: Json): readonly string[] =>
  ((result as { readonly events?: readonly { readonly title: string }[] }).events ?? []).map(({ title }) => title);

/** The good event is shown beside what the rest came to. */
export const showsGood = (
  check: (result: { readonly skipped: number; readonly truncated: boolean; readonly events: readonly unknown[] }) => boolean,
) => ({
  result: (result: Json): string | null => {
    if (!titlesOf(result).includes('good')) return `the good event is missing: ${JSON.stringify(result).slice(0, 200)}`;
    return check(result as never) ? null : `unexpected: ${JSON.stringify(result).slice(0, 300)}`;
  },
});

/** Something is left out, and counted. */
export const SKIPPED = showsGood(({ skipped }) => skipped >= 1);
/** However many there are. */
export const SHOWN = showsGood(() => true);
/** Nothing is left out. */
export const FINE = showsGood(({ skipped }) => skipped === 0);

/** An HTTP answer. */
export const http = (status: number, headers: Readonly<Record<string, string>>, body: string | Buffer) => ({
  status,
  headers,
  body,
});
