/**
 * One new event as iCalendar text. Pure.
 *
 * CAL-23 What leaves is one VEVENT of the properties listed here, whatever stands in its texts; this is checked on the text
 *        that ical.js wrote.
 */
import ICAL from 'ical.js';
import { AirlockError } from '@airlock/protocol';

/** Where an event begins or ends: an instant, or a day as its midnight in UTC. */
export interface Edge {
  readonly ms: number;
  readonly isDate: boolean;
}

export interface NewEvent {
  readonly uid: string;
  readonly stampMs: number;
  readonly start: Edge;
  readonly end: Edge;
  readonly title: string;
  readonly location: string;
  readonly description: string;
}

const PRODID = '-//Airlock//calendar//EN';

/** Times leave as UTC: one event that does not recur needs no time zone to be exact. */
const timeOf = ({ ms, isDate }: Edge): ICAL.Time => {
  const at = new Date(ms);
  const day = { year: at.getUTCFullYear(), month: at.getUTCMonth() + 1, day: at.getUTCDate() };
  if (isDate) return ICAL.Time.fromData({ ...day, isDate });
  const time = { ...day, hour: at.getUTCHours(), minute: at.getUTCMinutes(), second: at.getUTCSeconds(), isDate };
  return ICAL.Time.fromData(time, ICAL.Timezone.utcTimezone);
};

/** The lines as RFC 5545 §3.1 means them, unfolded. */
const linesOf = (text: string): readonly string[] => text.replace(/\r\n[ \t]/g, '').split('\r\n');

const nameOf = (line: string): string => /^[A-Z-]+(?=[;:])/.exec(line)?.[0] ?? '';

const isText = (line: string): boolean => !/[\x00-\x08\x0a-\x1f\x7f]/.test(line);

const isWhole = (text: string, names: readonly string[]): boolean => {
  const lines = linesOf(text);
  const whole = ['BEGIN', 'VERSION', 'PRODID', 'BEGIN', ...names, 'END', 'END', ''];
  const frame = ['BEGIN:VCALENDAR', 'VERSION:2.0', `PRODID:${PRODID}`, 'BEGIN:VEVENT'];
  const close = ['END:VEVENT', 'END:VCALENDAR', ''];
  return (
    lines.every((line, index) => nameOf(line) === whole[index] && isText(line)) &&
    lines.length === whole.length &&
    frame.every((line, index) => lines[index] === line) &&
    close.every((line, index) => lines[lines.length - close.length + index] === line)
  );
};

/** CAL-23. @throws AirlockError INTERNAL where the writer let anything else through. */
export const checkEventText = (text: string, names: readonly string[]): string => {
  if (isWhole(text, names)) return text;
  throw new AirlockError('INTERNAL', 'the event would have said something else than what was asked');
};

/** @throws AirlockError INTERNAL (CAL-23) */
export const eventText = (event: NewEvent): string => {
  const properties: readonly (readonly [string, string | ICAL.Time])[] = [
    ['uid', event.uid],
    ['dtstamp', timeOf({ ms: event.stampMs, isDate: false })],
    ['dtstart', timeOf(event.start)],
    ['dtend', timeOf(event.end)],
    ['summary', event.title],
    ...(event.location === '' ? [] : ([['location', event.location]] as const)),
    ...(event.description === '' ? [] : ([['description', event.description]] as const)),
  ];
  const calendar = new ICAL.Component('vcalendar');
  calendar.updatePropertyWithValue('version', '2.0');
  calendar.updatePropertyWithValue('prodid', PRODID);
  const component = new ICAL.Component('vevent');
  for (const [name, value] of properties) component.updatePropertyWithValue(name, value);
  calendar.addSubcomponent(component);
  const text = `${calendar.toString()}\r\n`;
  return checkEventText(
    text,
    properties.map(([name]) => name.toUpperCase()),
  );
};
