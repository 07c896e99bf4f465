/** The bodies this client can send, all of them reading (docs/spec/calendar.md, CAL-4). */

const HEAD = '<?xml version="1.0" encoding="utf-8"?>\n';
const SPACES = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"';

const escapeXml = (text: string): string =>
  text
    .replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0) ?? 0};`)
    .replace(/[^\x09\x0a\x0d\x20-\ud7ff\ue000-\ufffd]/g, '');

/** RFC 5397 and RFC 4791 §6.2.1: who we are, and where our calendars are. */
export const FIND_HOME = `${HEAD}<propfind ${SPACES}><prop><resourcetype/><displayname/><current-user-principal/><C:calendar-home-set/></prop></propfind>`;

export const FIND_CALENDARS = `${HEAD}<propfind ${SPACES}><prop><resourcetype/><displayname/><C:calendar-description/><C:supported-calendar-component-set/></prop></propfind>`;

const utc = (ms: number): string =>
  new Date(ms)
    .toISOString()
    .replace(/[-:]/g, '')
    .replace(/\.[0-9]{3}/, '');

/** RFC 4791 §7.8.1: links and ETags of the events that overlap a window. */
export const findEvents = (fromMs: number, toMs: number): string =>
  `${HEAD}<C:calendar-query ${SPACES}><prop><getetag/></prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="${utc(fromMs)}" end="${utc(toMs)}"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`;

/** RFC 4791 §7.9: the events themselves. */
export const getEvents = (paths: readonly string[]): string =>
  `${HEAD}<C:calendar-multiget ${SPACES}><prop><getetag/><C:calendar-data/></prop>${paths.map((path) => `<href>${escapeXml(path)}</href>`).join('')}</C:calendar-multiget>`;
