/** What an event's time is made of; its texts stay in the file until somebody wants to read them. */
import { LIMITS } from '../limits.js';
import { parseRule, type Rule } from '../recur/rule.js';
import { readProperties, textOfFirst, type Properties, type Property } from './component.js';
import type { Block } from './scan.js';
import { parseDuration, stampOfProperty, stampsOf, type Duration, type Stamp, type ZoneOf } from './stamp.js';

export type Status = 'confirmed' | 'tentative' | 'cancelled';

/** How long it lasts: up to a time, for a duration, or nothing said. */
export type Span =
  | { readonly kind: 'end'; readonly end: Stamp }
  | { readonly kind: 'duration'; readonly duration: Duration }
  | { readonly kind: 'none' };

/** One RDATE; a PERIOD brings its own span. */
export interface Extra {
  readonly start: Stamp;
  readonly span: Span | null;
}

/** One VEVENT. */
export interface Entry {
  readonly uid: string;
  readonly start: Stamp;
  readonly span: Span;
  readonly rule: Rule | null;
  readonly extras: readonly Extra[];
  readonly exceptions: readonly Stamp[];
  /** The instance that this one replaces; null for the event itself. */
  readonly recurrenceId: Stamp | null;
  /** RANGE=THISANDFUTURE: and all later ones. */
  readonly andFuture: boolean;
  readonly status: Status | null;
  readonly sequence: number;
  readonly block: Block;
}

const TIMES: ReadonlySet<string> = new Set([
  'UID',
  'DTSTART',
  'DTEND',
  'DURATION',
  'RRULE',
  'RDATE',
  'EXDATE',
  'RECURRENCE-ID',
  'STATUS',
  'SEQUENCE',
]);
const STATUSES: readonly Status[] = ['confirmed', 'tentative', 'cancelled'];

const find = ({ all }: Properties, name: string): Property | undefined => all.find((property) => property.name === name);
const filter = ({ all }: Properties, name: string): readonly Property[] => all.filter((property) => property.name === name);

const spanOf = (properties: Properties, zoneOf: ZoneOf): Span | null => {
  const [end, duration] = [find(properties, 'DTEND'), find(properties, 'DURATION')];
  if (end !== undefined) {
    const stamp = stampOfProperty(end, zoneOf);
    return stamp === null ? null : { kind: 'end', end: stamp };
  }
  if (duration === undefined) return { kind: 'none' };
  const parsed = parseDuration(duration.values[0]);
  return parsed === null ? null : { kind: 'duration', duration: parsed };
};

const periodSpan = (value: unknown, zone: Stamp['zone']): Span | null => {
  if (!Array.isArray(value)) return null;
  const duration = parseDuration(value[1]);
  if (duration !== null) return { kind: 'duration', duration };
  const property: Property = { name: 'DTEND', parameters: {}, type: 'date-time', values: [value[1]] };
  const end = stampOfProperty(property, () => null);
  return end === null ? null : { kind: 'end', end: { ...end, zone: end.zone ?? zone } };
};

const extrasOf = (properties: readonly Property[], zoneOf: ZoneOf): readonly Extra[] | null => {
  const extras: Extra[] = [];
  for (const property of properties) {
    const stamps = stampsOf(property, zoneOf);
    if (stamps === null) return null;
    stamps.forEach((start, index) => extras.push({ start, span: periodSpan(property.values[index], start.zone) }));
  }
  return extras.length > LIMITS.maxDates ? null : extras;
};

const exceptionsOf = (properties: readonly Property[], zoneOf: ZoneOf): readonly Stamp[] | null => {
  const found = properties.map((property) => stampsOf(property, zoneOf));
  const stamps = found.every((one) => one !== null) ? found.flat() : null;
  return stamps === null || stamps.length > LIMITS.maxDates ? null : stamps;
};

/** null where a rule is there and cannot be expanded as it stands. */
const ruleOf = (properties: Properties): { readonly rule: Rule | null } | null => {
  const property = find(properties, 'RRULE');
  if (property === undefined) return { rule: null };
  const rule = parseRule(property.values[0]);
  return rule === null ? null : { rule };
};

const statusOf = (properties: Properties): Status | null => {
  const text = textOfFirst(properties, 'STATUS').toLowerCase();
  return STATUSES.find((status) => status === text) ?? null;
};

const uidOf = (properties: Properties): string => textOfFirst(properties, 'UID').slice(0, LIMITS.maxUidChars);

/** A whole number up to ten digits; anything else is 0. */
const sequenceOf = (properties: Properties): number => {
  const number = Number(find(properties, 'SEQUENCE')?.values[0] ?? 0);
  return Number.isSafeInteger(number) ? number : 0;
};

/** The times of an event; null where they cannot be read, or are more than the limits allow (CAL-9). */
export const readEntry = (block: Block, zoneOf: ZoneOf): Entry | null => {
  const properties = readProperties(block, TIMES);
  if (properties.cut.size > 0) return null;
  const replaced = find(properties, 'RECURRENCE-ID');
  const recurrenceId = replaced === undefined ? null : stampOfProperty(replaced, zoneOf);
  const first = find(properties, 'DTSTART');
  const start = first === undefined ? recurrenceId : stampOfProperty(first, zoneOf);
  const span = spanOf(properties, zoneOf);
  const rule = ruleOf(properties);
  const extras = extrasOf(filter(properties, 'RDATE'), zoneOf);
  const exceptions = exceptionsOf(filter(properties, 'EXDATE'), zoneOf);
  const isBroken = replaced !== undefined && recurrenceId === null;
  if (isBroken || start === null || span === null || rule === null || extras === null || exceptions === null) return null;
  return {
    uid: uidOf(properties),
    start,
    span,
    ...rule,
    extras,
    exceptions,
    recurrenceId,
    andFuture: replaced?.parameters['range']?.toUpperCase() === 'THISANDFUTURE',
    status: statusOf(properties),
    sequence: sequenceOf(properties),
    block,
  };
};
