/** Random rules, the same ones each time, and what python3-dateutil says of them. */
import { spawnSync } from 'node:child_process';
import ICAL from 'ical.js';
import { sha256Hex } from '@airlock/protocol';
import { parseWall } from '../src/ics/stamp.js';
import { expandRule } from '../src/recur/expand.js';
import { parseRule } from '../src/recur/rule.js';

/** Times are `YYYY-MM-DDTHH:MM:SS` on one wall. */
export interface Case {
  readonly start: string;
  readonly rule: string;
  readonly from: string;
  readonly to: string;
}

/** mulberry32: the same numbers everywhere. */
const numbers = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

const DAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];
const DAY_MS = 86_400_000;

class Dice {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = numbers(seed);
  }

  int(min: number, max: number): number {
    return min + Math.floor(this.#next() * (max - min + 1));
  }

  chance(part: number): boolean {
    return this.#next() < part;
  }

  some<T>(make: () => T, most: number): readonly T[] {
    return [...new Set(Array.from({ length: this.int(1, most) }, make))];
  }

  signed(max: number): number {
    return this.int(1, max) * (this.chance(0.35) ? -1 : 1);
  }
}

const format = (ms: number): string => new Date(ms).toISOString().slice(0, 19);
const compact = (ms: number): string => format(ms).replace(/[-:]/g, '');

/** With ordinals or without: where both stand in one rule, dateutil takes only what both mean. */
const weekdays = (dice: Dice, ordinal: number): string => {
  const counted = ordinal > 0 && dice.chance(0.5);
  return dice.some(() => `${counted ? dice.signed(ordinal) : ''}${DAYS[dice.int(0, 6)] ?? 'MO'}`, 3).join(',');
};

const yearly = (dice: Dice): string[] => {
  switch (dice.int(0, 6)) {
    case 0:
      return [`BYMONTH=${dice.some(() => dice.int(1, 12), 3).join(',')}`, `BYDAY=${weekdays(dice, 4)}`];
    case 1:
      return [`BYMONTH=${dice.int(1, 12)}`, `BYMONTHDAY=${dice.some(() => dice.signed(31), 3).join(',')}`];
    case 2:
      return [`BYYEARDAY=${dice.some(() => dice.signed(366), 3).join(',')}`];
    case 3:
      return [`BYWEEKNO=${dice.some(() => dice.signed(53), 2).join(',')}`, `BYDAY=${weekdays(dice, 0)}`];
    case 4:
      return [`BYDAY=${weekdays(dice, 20)}`];
    case 5:
      return [`BYMONTH=${dice.some(() => dice.int(1, 12), 4).join(',')}`];
    default:
      return [];
  }
};

const monthly = (dice: Dice): string[] => {
  switch (dice.int(0, 4)) {
    case 0:
      return [`BYDAY=${weekdays(dice, 5)}`];
    case 1:
      return [`BYMONTHDAY=${dice.some(() => dice.signed(31), 4).join(',')}`];
    case 2:
      return [`BYMONTHDAY=${dice.some(() => dice.signed(31), 6).join(',')}`, `BYDAY=${weekdays(dice, 0)}`];
    case 3:
      return [`BYDAY=${weekdays(dice, 0)}`, `BYMONTH=${dice.some(() => dice.int(1, 12), 5).join(',')}`];
    default:
      return [];
  }
};

const daily = (dice: Dice): string[] =>
  dice.chance(0.5)
    ? [`BYDAY=${weekdays(dice, 0)}`, ...(dice.chance(0.3) ? [`BYMONTH=${dice.int(1, 12)}`] : [])]
    : dice.chance(0.5)
      ? [`BYMONTHDAY=${dice.some(() => dice.signed(31), 3).join(',')}`]
      : [];

const clock = (dice: Dice): string[] => [
  ...(dice.chance(0.5) ? [`BYHOUR=${dice.some(() => dice.int(0, 23), 3).join(',')}`] : []),
  ...(dice.chance(0.5) ? [`BYMINUTE=${dice.some(() => dice.int(0, 59), 2).join(',')}`] : []),
];

const PARTS: Readonly<Record<string, (dice: Dice) => string[]>> = {
  YEARLY: yearly,
  MONTHLY: monthly,
  WEEKLY: (dice) => (dice.chance(0.7) ? [`BYDAY=${weekdays(dice, 0)}`] : []),
  DAILY: daily,
  HOURLY: (dice) => (dice.chance(0.4) ? [`BYHOUR=${dice.int(0, 11)},${dice.int(12, 23)}`] : [`BYDAY=${weekdays(dice, 0)}`]),
  MINUTELY: (dice) => [`BYHOUR=${dice.int(0, 23)}`],
};

/** Only where it can be met: dateutil looks for what cannot until the year 9999. */
const positions = (dice: Dice, freq: string): string[] => {
  if (freq === 'WEEKLY') return [`BYSETPOS=${dice.signed(1)}`];
  return freq === 'YEARLY' || freq === 'MONTHLY' ? [`BYSETPOS=${dice.some(() => dice.signed(4), 2).join(',')}`] : [];
};

/** Days from the window's beginning to its end: a few hundred instances at most. */
const LENGTH: Readonly<Record<string, number>> = {
  YEARLY: 4000,
  MONTHLY: 1500,
  WEEKLY: 700,
  DAILY: 250,
  HOURLY: 12,
  MINUTELY: 3,
};
const DISTANCE: Readonly<Record<string, number>> = {
  YEARLY: 4000,
  MONTHLY: 3000,
  WEEKLY: 2000,
  DAILY: 1200,
  HOURLY: 40,
  MINUTELY: 5,
};

const oneCase = (dice: Dice): Case => {
  const freq = Object.keys(PARTS)[dice.int(0, 19) < 17 ? dice.int(0, 3) : dice.int(4, 5)] ?? 'DAILY';
  const startMs = Date.UTC(dice.int(1999, 2024), dice.int(0, 11), dice.int(1, 28), dice.int(0, 23), dice.int(0, 3) * 15);
  const fromMs = startMs + dice.int(-10, DISTANCE[freq] ?? 0) * DAY_MS + dice.int(0, DAY_MS / 1000) * 1000;
  const toMs = fromMs + dice.int(1, LENGTH[freq] ?? 1) * DAY_MS;
  const by = PARTS[freq]?.(dice) ?? [];
  const isSlow = !['HOURLY', 'MINUTELY'].includes(freq);
  const parts = [
    `FREQ=${freq}`,
    ...(dice.chance(0.5) ? [`INTERVAL=${dice.int(1, 5)}`] : []),
    ...by,
    ...(isSlow && dice.chance(0.2) ? clock(dice) : []),
    ...(by.length > 0 && dice.chance(0.25) ? positions(dice, freq) : []),
    ...(dice.chance(0.3) ? [`WKST=${DAYS[dice.int(0, 6)] ?? 'MO'}`] : []),
    ...(dice.chance(0.25)
      ? [`COUNT=${dice.int(1, 300)}`]
      : dice.chance(0.25)
        ? [`UNTIL=${compact(startMs + dice.int(0, 4000) * DAY_MS)}`]
        : []),
  ];
  return { start: format(startMs), rule: parts.join(';'), from: format(fromMs), to: format(toMs) };
};

export const randomCases = (count: number, seed = 5545): readonly Case[] => {
  const dice = new Dice(seed);
  return Array.from({ length: count }, () => oneCase(dice));
};

const wallOf = (text: string): number => parseWall(text)?.wallMs ?? NaN;

/** What this package says: wall times as text, DTSTART included as an instance. */
export const ours = ({ start, rule, from, to }: Case): readonly string[] | string => {
  const parsed = parseRule((ICAL.parse(`BEGIN:VEVENT\r\nRRULE:${rule}\r\nEND:VEVENT`) as [string, unknown[][]])[1][0]?.[3]);
  if (parsed === null) return 'refused';
  const window = { fromMs: wallOf(from), toMs: wallOf(to), most: 100_000, untilWall: ({ wallMs }: { wallMs: number }) => wallMs };
  const { walls, cut } = expandRule(parsed, wallOf(start), window);
  return cut ? 'cut' : walls.map(format);
};

const SCRIPT = `
import sys, json
from datetime import datetime
from dateutil.rrule import rrulestr
for line in sys.stdin:
    case = json.loads(line)
    start, low, high = (datetime.fromisoformat(case[key]) for key in ('start', 'from', 'to'))
    try:
        rule = rrulestr(case['rule'], dtstart=start)
    except ValueError: # an INTERVAL that never meets BYHOUR: nothing but DTSTART
        print(json.dumps([start.isoformat()] if low <= start <= high else []))
        continue
    count = rule._count
    found, number = [], 0
    if next(iter(rule), None) != start:
        number = 1
        if low <= start <= high: found.append(start)
    for time in rule:
        if time > high or (count is not None and number >= count): break
        number += 1
        if time >= low: found.append(time)
    print(json.dumps([time.isoformat() for time in found]))
`;

/** What python3-dateutil says of all of them; DTSTART is the first instance, also where the rule does not give it (RFC 5545 §3.8.5.3). */
export const theirs = (cases: readonly Case[]): readonly (readonly string[])[] => {
  const input = cases.map((one) => JSON.stringify(one)).join('\n');
  const { status, stdout, stderr } = spawnSync('/usr/bin/python3', ['-c', SCRIPT], {
    input,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    timeout: 120_000,
  });
  if (status !== 0) throw new Error(`python3 with dateutil: ${stderr.slice(-500)}`);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as readonly string[]);
};

/** One line of the recorded corpus: number of instances, and the beginning of the digest of their times. */
export const fingerprint = (times: readonly string[]): string => `${times.length} ${sha256Hex(times.join(' ')).slice(0, 12)}`;

export const caseText = ({ start, rule, from, to }: Case): string => `${start} ${rule} ${from} ${to}`;

export const parseCase = (line: string): { readonly one: Case; readonly print: string } => {
  const [start = '', rule = '', from = '', to = '', count = '', digest = ''] = line.split(' ');
  return { one: { start, rule, from, to }, print: `${count} ${digest}` };
};
