/** From any address of an account to its calendars (RFC 6764 §6, RFC 5397, RFC 4791 §6.2.1). */
import { AirlockError } from '@airlock/protocol';
import { upstreamError } from '../failure.js';
import { LIMITS } from '../limits.js';
import type { Pace } from '../pace.js';
import type { CalendarInfo } from '../source/source.js';
import { cleanLine } from '../text.js';
import type { Answer, CaldavClient } from './client.js';
import { pathWithin, requirePath } from './href.js';
import { hrefsIn, isCalendar, propertyOf, type Resource } from './multistatus.js';
import { FIND_CALENDARS, FIND_HOME } from './requests.js';
import { childrenOf } from './xml.js';

const WELL_KNOWN = '/.well-known/caldav';
/** RFC 4791 §6.2.1 allows several homes; servers have one. */
const MAX_HOMES = 4;

/** Accounts are looked for at the well-known address first, unless the operator named a place. */
const askFirst = async (client: CaldavClient, path: string, pace: Pace): Promise<Answer> => {
  const ask = (at: string): Promise<Answer> => client.ask({ method: 'PROPFIND', path: at, depth: 0, body: FIND_HOME }, pace);
  if (path !== '/') return ask(path);
  try {
    return await ask(WELL_KNOWN);
  } catch (thrown) {
    const isUnknown = thrown instanceof AirlockError && (thrown.code === 'NOT_FOUND' || thrown.data.found === 'other');
    if (!isUnknown) throw thrown;
    return ask(path);
  }
};

const nameOf = (resource: Resource, path: string): string => {
  const shown = cleanLine(propertyOf(resource, 'displayname')?.text ?? '', LIMITS.maxTitleChars);
  return shown === '' ? cleanLine(path.split('/').findLast((part) => part !== '') ?? path, LIMITS.maxTitleChars) : shown;
};

const infoOf = (resource: Resource, path: string): CalendarInfo => ({
  id: path,
  name: nameOf(resource, path),
  description: cleanLine(propertyOf(resource, 'calendar-description')?.text ?? '', LIMITS.maxListedDescriptionChars),
});

/** Task lists are calendars too; a server that does not say what a calendar holds may have events in it (RFC 4791 §5.2.3). */
const mayHaveEvents = (resource: Resource): boolean => {
  const set = propertyOf(resource, 'supported-calendar-component-set');
  const names =
    set === undefined ? [] : childrenOf(set, 'comp').map(({ attributes }) => String(attributes['name']).toUpperCase());
  return names.length === 0 || names.includes('VEVENT');
};

const homesOf = async (client: CaldavClient, first: Answer, pace: Pace): Promise<{ homes: readonly string[]; url: string }> => {
  const [resource] = first.resources;
  if (resource === undefined) throw upstreamError('other', 'the server shows nothing at this address');
  const own = hrefsIn(resource, 'calendar-home-set');
  const [principal] = hrefsIn(resource, 'current-user-principal');
  if (own.length > 0 || principal === undefined) return { homes: own, url: first.url };
  const path = requirePath(principal, first.url, client.origin);
  const answer = await client.ask({ method: 'PROPFIND', path, depth: 0, body: FIND_HOME }, pace);
  return { homes: answer.resources.flatMap((one) => hrefsIn(one, 'calendar-home-set')), url: answer.url };
};

/** Links of a listing that lead elsewhere are left out. */
const calendarsAt = async (client: CaldavClient, path: string, pace: Pace): Promise<readonly CalendarInfo[]> => {
  const { resources, url } = await client.ask({ method: 'PROPFIND', path, depth: 1, body: FIND_CALENDARS }, pace);
  return resources
    .filter((one) => isCalendar(one) && mayHaveEvents(one))
    .flatMap((one) => {
      const at = pathWithin(one.href, url, client.origin);
      return at === null ? [] : [infoOf(one, at)];
    });
};

const discover = async (client: CaldavClient, path: string, pace: Pace): Promise<readonly CalendarInfo[]> => {
  const first = await askFirst(client, path, pace);
  const [resource] = first.resources;
  if (resource !== undefined && isCalendar(resource))
    return [infoOf(resource, requirePath(resource.href, first.url, client.origin))];
  const { homes, url } = await homesOf(client, first, pace);
  const paths = homes.slice(0, MAX_HOMES).map((home) => requirePath(home, url, client.origin));
  const found: CalendarInfo[] = [];
  for (const home of paths.length > 0 ? paths : [new URL(first.url).pathname])
    found.push(...(await calendarsAt(client, home, pace)));
  return [...new Map(found.map((calendar) => [calendar.id, calendar])).values()].slice(0, LIMITS.maxCalendars);
};

/** The calendars of the account that an address belongs to. @throws AirlockError UPSTREAM_REFUSED, UPSTREAM_TIMEOUT, UNAVAILABLE */
export const discoverCalendars = async (client: CaldavClient, path: string, pace: Pace): Promise<readonly CalendarInfo[]> => {
  try {
    return await discover(client, path, pace);
  } catch (thrown) {
    if (!(thrown instanceof AirlockError) || thrown.code !== 'NOT_FOUND') throw thrown;
    throw upstreamError('other', 'the server has no calendars at this address', 'check the address of the calendar server');
  }
};
