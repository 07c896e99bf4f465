/** CalDAV servers that lie, lead elsewhere or never end. */
import type { Socket } from 'node:net';
import {
  davAnswer,
  davCalendar,
  davEvent,
  davResponse,
  serveCaldav,
  type CaldavAnswer,
  type CaldavRequest,
} from '../caldav-double.js';
import { calendar, DAY, event, FINE, GOOD, http, REFUSED, showsGood, titlesOf } from './calendar-parts.js';
import type { HostileFixture } from './fixture.js';

const PATH = '/ada/work/';
const CALENDARS = { [PATH]: { 'good.ics': calendar(GOOD) } };

type Step = 'principal' | 'listing' | 'query' | 'multiget';

const stepOf = ({ method, path, body }: CaldavRequest): Step => {
  if (method === 'PROPFIND') return path === '/ada/' ? 'listing' : 'principal';
  return body.includes('calendar-query') ? 'query' : 'multiget';
};

/** Answers one step with something else, the others honestly. */
const caldav = (
  name: string,
  step: Step,
  hostile: (request: CaldavRequest, honest: CaldavAnswer) => CaldavAnswer | 'never',
  expect: HostileFixture['expect'],
): HostileFixture => ({
  name: `caldav-${name}`,
  kind: 'caldav',
  operation: 'range',
  params: { ...DAY },
  connection: (socket: Socket) =>
    serveCaldav(socket, {
      calendars: CALENDARS,
      answer: (request, honest) =>
        stepOf(request) === step && request.path !== '/.well-known/caldav' ? hostile(request, honest) : undefined,
    }),
  expect,
  upstream: 'either',
});

const xml = (body: string): CaldavAnswer => http(207, { 'content-type': 'text/xml' }, body);
const bodyOf = ({ body = '' }: CaldavAnswer): string => body.toString();

const LAUGHS = `<?xml version="1.0"?><!DOCTYPE m [<!ENTITY a "ha">${Array.from({ length: 9 }, (_unused, n) => `<!ENTITY ${String.fromCharCode(98 + n)} "${`&${String.fromCharCode(97 + n)};`.repeat(10)}">`).join('')}]><d:multistatus xmlns:d="DAV:">&j;</d:multistatus>`;
const home = (href: string): CaldavAnswer =>
  davAnswer(davResponse('/', `<c:calendar-home-set><d:href>${href}</d:href></c:calendar-home-set>`));
const queried = (...hrefs: readonly string[]): CaldavAnswer =>
  davAnswer(...[`${PATH}good.ics`, ...hrefs].map((href) => davResponse(href, '<d:getetag>"1"</d:getetag>')));

/** Servers of kind `caldav`. */
export const HOSTILE_CALDAV: readonly HostileFixture[] = [
  caldav('billion-laughs', 'principal', () => xml(LAUGHS), REFUSED),
  caldav(
    'doctype-from-elsewhere',
    'query',
    () => xml('<!DOCTYPE x SYSTEM "file:///etc/passwd"><d:multistatus xmlns:d="DAV:"/>'),
    REFUSED,
  ),
  caldav('deep-xml', 'listing', () => xml('<a>'.repeat(200_000) + '</a>'.repeat(200_000)), REFUSED),
  caldav('home-at-another-origin', 'principal', () => home('https://evil.example/ada/'), REFUSED),
  caldav('home-at-another-port', 'principal', () => home('http://127.0.0.1:1/ada/'), REFUSED),
  caldav('home-with-a-user', 'principal', () => home('http://ada:secret@127.0.0.1/ada/'), REFUSED),
  caldav('redirect-with-the-credential', 'principal', () => http(307, { location: 'http://127.0.0.1:1/ada/' }, ''), REFUSED),
  caldav('redirect-in-a-circle', 'query', ({ path }) => http(308, { location: path }, ''), REFUSED),
  caldav(
    'links-elsewhere',
    'query',
    () =>
      queried(
        'https://evil.example/ada/work/x.ics',
        'http://127.0.0.1:1/x.ics',
        '//evil.example/x.ics',
        `${PATH}../../etc/passwd`,
        `${PATH}%2e%2e/private/x.ics`,
        PATH,
      ),
    showsGood(({ skipped }) => skipped === 6),
  ),
  caldav(
    'calendars-elsewhere',
    'listing',
    () =>
      davAnswer(
        davCalendar(PATH, 'work'),
        davCalendar('https://evil.example/ada/work/', 'evil'),
        davCalendar('http://127.0.0.1:1/', 'evil'),
      ),
    FINE,
  ),
  caldav(
    'events-nobody-asked-for',
    'multiget',
    (_request, honest) =>
      xml(
        bodyOf(honest).replace(
          '</d:multistatus>',
          `${davEvent(`${PATH}other.ics`, calendar(event('UID:o', 'DTSTART:20250328T090000Z', 'SUMMARY:forged')))}${davEvent(`${PATH}good.ics`, calendar(event('UID:o', 'DTSTART:20250328T090000Z', 'SUMMARY:forged')))}</d:multistatus>`,
        ),
      ),
    { result: (result) => (titlesOf(result).join(' ') === 'good' ? null : `found ${titlesOf(result).join(' ')}`) },
  ),
  caldav(
    'properties-that-were-not-found',
    'multiget',
    (_request, honest) => xml(bodyOf(honest).replaceAll('200 OK', '404 Not Found')),
    { result: (result) => (titlesOf(result).length === 0 ? null : 'an event that the server says is not there') },
  ),
  caldav(
    'wrong-content-type',
    'listing',
    (_request, honest) => ({ ...honest, headers: { 'content-type': 'text/html' } }),
    REFUSED,
  ),
  caldav('no-multistatus', 'query', () => xml('<d:error xmlns:d="DAV:"/>'), REFUSED),
  caldav('two-hundred-instead', 'query', (_request, honest) => ({ ...honest, status: 200 }), REFUSED),
  caldav(
    'gigantic-listing',
    'query',
    () => queried(...Array.from({ length: 60_000 }, (_unused, n) => `${PATH}${n}.ics`)),
    REFUSED,
  ),
  caldav(
    'gigantic-event',
    'multiget',
    () =>
      davAnswer(
        davEvent(`${PATH}good.ics`, calendar(event('UID:g', 'DTSTART:20250328T090000Z', `SUMMARY:${'x'.repeat(6_000_000)}`))),
      ),
    { result: (result) => ((result as { readonly skipped: number }).skipped === 1 ? null : 'not said to be skipped') },
  ),
  caldav('broken-event', 'multiget', () => davAnswer(davEvent(`${PATH}good.ics`, 'BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n')), {
    result: (result) => ((result as { readonly skipped: number }).skipped === 1 ? null : 'not said to be skipped'),
  }),
  caldav(
    'attribute-flood',
    'query',
    () => xml(`<d:multistatus xmlns:d="DAV:" ${Array.from({ length: 100_000 }, (_unused, n) => `a${n}="b"`).join(' ')}/>`),
    REFUSED,
  ),
  caldav('wrong-password', 'principal', () => http(401, { 'www-authenticate': 'Digest realm="x", nonce="y"' }, 'no'), REFUSED),
];
