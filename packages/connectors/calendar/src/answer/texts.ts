/** The words of an event, read from its file when they are wanted. */
import { readProperties, type Property } from '../ics/component.js';
import type { Entry } from '../ics/event.js';
import { LIMITS } from '../limits.js';
import { cleanLine, cleanText } from '../text.js';

export interface Person {
  readonly name: string;
  readonly address: string;
}

export interface Attendee extends Person {
  /** PARTSTAT in lower case; null where it says nothing known. */
  readonly status: string | null;
}

/** Everything cleaned, nothing cut but to the limits of a detail. */
export interface Texts {
  readonly title: string;
  readonly location: string;
  readonly description: string;
  readonly url: string;
  readonly organizer: Person | null;
  readonly attendees: readonly Attendee[];
  /** There are more attendees than are read. */
  readonly moreAttendees: boolean;
  readonly rule: string | null;
}

const WANTED: ReadonlySet<string> = new Set(['SUMMARY', 'LOCATION', 'DESCRIPTION', 'URL', 'ORGANIZER', 'ATTENDEE', 'RRULE']);
const ANSWERS: readonly string[] = ['accepted', 'declined', 'tentative', 'needs-action', 'delegated'];
const MAX_NAME_CHARS = 200;

const textOf = (properties: readonly Property[], name: string): string => {
  const value = properties.find((property) => property.name === name)?.values[0];
  return typeof value === 'string' ? value : '';
};

const personOf = ({ parameters, values }: Property): Person => {
  const { cn } = parameters;
  const address = typeof values[0] === 'string' ? values[0].replace(/^mailto:/i, '') : '';
  return {
    name: typeof cn === 'string' ? cleanLine(cn, MAX_NAME_CHARS) : '',
    address: cleanLine(address, MAX_NAME_CHARS),
  };
};

const attendeeOf = (property: Property): Attendee => {
  const answer = (property.parameters['partstat'] ?? '').toLowerCase();
  return { ...personOf(property), status: ANSWERS.find((known) => known === answer) ?? null };
};

/** The rule as the file has it, parts in order; only what the rule can consist of. */
const ruleText = (properties: readonly Property[]): string | null => {
  const value = properties.find(({ name }) => name === 'RRULE')?.values[0];
  if (typeof value !== 'object' || value === null) return null;
  const parts = Object.entries(value).map(([name, part]) => `${name.toUpperCase()}=${String(part)}`);
  return cleanLine(parts.join(';'), LIMITS.maxTitleChars);
};

/** Reads the words of an entry. */
export const textsOf = (entry: Entry): Texts => {
  const { all, cut } = readProperties(entry.block, WANTED);
  const organizer = all.find(({ name }) => name === 'ORGANIZER');
  return {
    title: cleanLine(textOf(all, 'SUMMARY'), LIMITS.maxTitleChars),
    location: cleanLine(textOf(all, 'LOCATION'), LIMITS.maxLocationChars),
    description: cleanText(textOf(all, 'DESCRIPTION')).trim(),
    url: cleanLine(textOf(all, 'URL'), LIMITS.maxTitleChars),
    organizer: organizer === undefined ? null : personOf(organizer),
    attendees: all.filter(({ name }) => name === 'ATTENDEE').map(attendeeOf),
    moreAttendees: cut.has('ATTENDEE'),
    rule: ruleText(all),
  };
};
