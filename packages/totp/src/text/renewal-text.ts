/** What a request that renews a lease changes, line by line (docs/spec/approval.md "Text of a renewal"). */
import { canonicalJson, intentHash, isoTime, type RegisteredLease } from '@airlock/protocol';
import type { QueuedRequest } from '../queue/state.js';
import { escapeText, wordText } from './escape.js';
import { listLines, type Line } from './lines.js';

/** The lease as it is, as far as a difference can be shown. */
export type Present = Pick<
  RegisteredLease,
  'id' | 'scopes' | 'constraints' | 'budget' | 'intent' | 'issuedMs' | 'expiresMs' | 'unattended'
>;
export type Asked = Pick<QueuedRequest, 'scopes' | 'constraints' | 'budget' | 'intent' | 'ttlS' | 'unattended'>;

/** Whole minutes where it is whole minutes, else seconds: never rounded. */
export const durationText = (seconds: number): string => (seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`);

const accessChanges = (present: Present, asked: Asked): string[] => {
  const [before, after] = [new Set(present.scopes), new Set(asked.scopes)];
  return [
    ...asked.scopes.filter((scope) => !before.has(scope)).map((scope) => `+ access ${wordText(scope)}`),
    ...present.scopes.filter((scope) => !after.has(scope)).map((scope) => `- access ${wordText(scope)}`),
  ];
};

const unattendedChanges = ({ unattended: present = [] }: Present, { unattended: asked = [] }: Asked): string[] => [
  ...asked.filter((one) => !present.includes(one)).map((one) => `+ ${wordText(one)} without a code`),
  ...present.filter((one) => !asked.includes(one)).map((one) => `- ${wordText(one)} without a code`),
];

const lengthChange = (present: Present, { ttlS }: Asked): string[] => {
  const beforeMs = present.expiresMs - present.issuedMs;
  if (beforeMs === ttlS * 1000) return [];
  return [`for ${durationText(ttlS)}, before ${durationText(Math.ceil(beforeMs / 1000))}`];
};

const limitText = (constraints: Present['constraints'], key: string): string | null => {
  const value = new Map(Object.entries(constraints)).get(key);
  return value === undefined ? null : `${wordText(key)} = ${escapeText(canonicalJson(value))}`;
};

const limitChanges = (present: Present, asked: Asked): string[] =>
  [...new Set([...Object.keys(present.constraints), ...Object.keys(asked.constraints)])].sort().flatMap((key) => {
    const [before, after] = [limitText(present.constraints, key), limitText(asked.constraints, key)];
    if (before === after) return [];
    return [...(after === null ? [] : [`+ limit ${after}`]), ...(before === null ? [] : [`- limit ${before}`])];
  });

const countText = (count: number | undefined, what: string): string =>
  count === undefined ? `any number of ${what}` : `at most ${count} ${what}`;

/** A budget belongs to one lease: the same number is counted from the start again, which is a change too. */
const countChange = (before: number | undefined, after: number | undefined, what: string): string[] => {
  if (before !== after) return [`${countText(after, what)}, before ${countText(before, what)}`];
  return after === undefined ? [] : [`${countText(after, what)}, counted from the start again`];
};

/** The register knows an intent by its hash only, so it can be said that it differs and not from what. */
const intentChange = (present: Present, asked: Asked): string[] => {
  const after = asked.intent === null ? null : intentHash(asked.intent);
  if (present.intent === after) return [];
  if (after === null) return ['bound to no intent, before to one'];
  return [present.intent === null ? 'bound to the intent above, before to none' : 'bound to the intent above, before to another'];
};

export const renewedLine = ({ id, expiresMs }: Present): Line => ({
  label: 'renews',
  value: `lease ${wordText(id)}, which ends ${isoTime(expiresMs)}`,
});

/** RENEW-1: every difference a line; the last line says that there are no others. */
export const changeLines = (present: Present, asked: Asked): Line[] =>
  listLines('changes', [
    ...accessChanges(present, asked),
    ...unattendedChanges(present, asked),
    ...lengthChange(present, asked),
    ...limitChanges(present, asked),
    ...countChange(present.budget?.calls, asked.budget?.calls, 'calls'),
    ...countChange(present.budget?.bytes, asked.budget?.bytes, 'bytes of results'),
    ...intentChange(present, asked),
    'nothing else changes',
  ]);
