/** What is said of operations that a service lists itself: pins, digest, and how two lists differ (docs/spec/upstream.md). */
import { digestOf } from './canonical.js';
import type { ListedOperation } from './connector.js';

/** Hash of each operation by its name. */
export type Pins = Readonly<Record<string, string>>;

export const pinsOf = (listed: readonly ListedOperation[]): Pins =>
  Object.fromEntries(listed.map(({ operation, hash }) => [operation.name, hash]));

/** Lower-case hexadecimal SHA-256 of what is pinned; the order of a list is none of it. */
export const digestOfPins = (pins: Pins): string => digestOf({ ...pins });

/** More lines than this are told as numbers: a text that is approved is never cut. */
const MAX_LINES = 40;

const facts = ({ operation: { class: kind, outward }, problem }: ListedOperation): string =>
  [kind, ...(outward ? ['outward'] : []), ...(problem === undefined ? [] : ['cannot be called'])].join(', ');

/** Which parts of a definition differ; the words of the service are no part of it, for they are not to be trusted. */
const partsOf = (before: ListedOperation, after: ListedOperation): string => {
  const [a, b] = [before.operation, after.operation];
  const differs = (one: unknown, other: unknown): boolean => JSON.stringify(one) !== JSON.stringify(other);
  const parts = [
    ...(facts(before) === facts(after) ? [] : [`${facts(before)} becomes ${facts(after)}`]),
    ...(differs(a.params, b.params) ? ['parameters'] : []),
    ...(differs(a.result, b.result) ? ['result'] : []),
    ...(a.summary === b.summary && a.description === b.description ? [] : ['description']),
  ];
  return parts.length === 0 ? 'definition' : parts.join(', ');
};

const counted = (mark: string, all: readonly ListedOperation[]): string => {
  const of = (kind: string): number => all.filter(({ operation }) => operation.class === kind).length;
  return `${mark} ${all.length} operations: ${of('read')} read, ${of('write')} write`;
};

const byName = (listed: readonly ListedOperation[]): ReadonlyMap<string, ListedOperation> =>
  new Map(listed.map((one) => [one.operation.name, one]));

const nameOf = ({ operation }: ListedOperation): string => operation.name;

/**
 * What accepting `after` in place of `before` changes, one line each: `+ NAME (read)`, `- NAME`, `~ NAME: parameters`; numbers where
 * that would be too many lines. Empty where the pins are the same.
 */
export const listedChanges = (before: readonly ListedOperation[], after: readonly ListedOperation[]): readonly string[] => {
  const [known, offered] = [byName(before), byName(after)];
  const added = after.filter((one) => !known.has(nameOf(one)));
  const removed = before.filter((one) => !offered.has(nameOf(one)));
  const changed = after.filter((one) => (known.get(nameOf(one))?.hash ?? one.hash) !== one.hash);
  if (added.length + removed.length + changed.length > MAX_LINES) {
    const groups = [
      ['+', added],
      ['-', removed],
      ['~', changed],
    ] as const;
    return groups.filter(([, all]) => all.length > 0).map(([mark, all]) => counted(mark, all));
  }
  return [
    ...added.map((one) => `+ ${nameOf(one)} (${facts(one)})`),
    ...removed.map((one) => `- ${nameOf(one)}`),
    ...changed.map((one) => `~ ${nameOf(one)}: ${partsOf(known.get(nameOf(one)) ?? one, one)}`),
  ];
};
