/** A calendar of 5,000 events, 300 of them recurring: the operations through the connector, beside ical.js reading the same file. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const EVENTS = 5000;
const RECURRING = 300;
const ROUNDS = 7;
const DAY_MS = 86_400_000;
const MIDDLE_MS = Date.UTC(2026, 10, 20);

const RULES = ['FREQ=DAILY', 'FREQ=WEEKLY;BYDAY=MO,WE,FR', 'FREQ=MONTHLY;BYDAY=-1FR', 'FREQ=YEARLY', 'FREQ=WEEKLY;COUNT=200'];
const ZONES = ['Europe/Berlin', 'America/New_York', 'Asia/Tokyo'];

const local = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace(/[-:]/g, '');

const eventOf = (index: number): string => {
  const isRecurring = index % Math.floor(EVENTS / RECURRING) === 0 && index / Math.floor(EVENTS / RECURRING) < RECURRING;
  // Seven years around today; the recurring ones began up to five years ago.
  const days = isRecurring ? -((index * 7) % 1800) : ((index * 37) % 2555) - 1825;
  const start = MIDDLE_MS + days * DAY_MS + ((index * 17) % 40) * 900_000 + 6 * 3_600_000;
  return [
    'BEGIN:VEVENT',
    `UID:${index}@bench.example.org`,
    'DTSTAMP:20250101T000000Z',
    `DTSTART;TZID=${ZONES[index % 3] ?? 'UTC'}:${local(start)}`,
    'DURATION:PT45M',
    ...(isRecurring
      ? [`RRULE:${RULES[Math.floor(index / Math.floor(EVENTS / RECURRING)) % RULES.length] ?? 'FREQ=WEEKLY'}`]
      : []),
    `SUMMARY:Meeting ${index} about ${index % 50 === 0 ? 'invoices' : 'plans'}`,
    `LOCATION:Room ${index % 12}`,
    `DESCRIPTION:${'A few words of what it is about. '.repeat(8)}`,
    'ORGANIZER;CN=Bob:mailto:bob@example.org',
    'ATTENDEE;CN=Ada;PARTSTAT=ACCEPTED:mailto:ada@example.org',
    'ATTENDEE;CN=Eve;PARTSTAT=TENTATIVE:mailto:eve@example.org',
    'BEGIN:VALARM',
    'ACTION:DISPLAY',
    'TRIGGER:-PT10M',
    'END:VALARM',
    'END:VEVENT',
  ].join('\r\n');
};

/** Runs in a process of its own, with the options of a cell, so that its memory is its own. */
const CHILD = `
(async () => {
const { readFileSync } = require('node:fs');
const [what, path, module] = process.argv.slice(1);
const rounds = ${ROUNDS};
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const timed = async (work) => { const begun = performance.now(); const value = await work(); return { ms: performance.now() - begun, value }; };
const rss = () => process.memoryUsage().rss / 2 ** 20;
const out = {};
if (what === 'ical') {
  const { default: ICAL } = await import(module);
  const times = [];
  for (let round = 0; round < rounds; round += 1) times.push((await timed(() => ICAL.parse(readFileSync(path, 'utf8')))).ms);
  out.parseMs = Math.round(median(times));
} else {
  const { connector } = require(module);
  const clock = { wallMs: () => ${MIDDLE_MS} + 9 * 3600000, bootMs: () => performance.now() };
  const open = () => connector.open({ manifest: {}, settings: { path, time_zone: 'Europe/Berlin' }, credential: {}, destination: { kind: 'ics-file', path, user: '' }, clock });
  const context = { signal: new AbortController().signal, constraints: {} };
  const calls = { today: {}, upcoming: { days: 7 }, range: { from: '2026-11-01', to: '2026-11-30', limit: 200 }, search: { text: 'invoices' } };
  out.idleMb = Math.round(rss());
  const first = [];
  for (let round = 0; round < 3; round += 1) { const session = await open(); first.push((await timed(() => session.execute('today', {}, context))).ms); await session.close(); }
  out.firstMs = Math.round(median(first));
  const session = await open();
  for (const [name, params] of Object.entries(calls)) {
    const times = []; let count = 0;
    for (let round = 0; round < rounds; round += 1) { const { ms, value } = await timed(() => session.execute(name, params, context)); times.push(ms); count = value.count; }
    out[name] = { ms: Math.round(median(times) * 10) / 10, events: count };
  }
}
out.rssMb = Math.round(rss());
console.log(JSON.stringify(out));
})();
`;

const inChild = (what: string, path: string, module: string): Readonly<Record<string, unknown>> => {
  const options = ['--max-semi-space-size=1', '--v8-pool-size=0', '--optimize-for-size', '-e', CHILD];
  const { stdout, stderr, status } = spawnSync(process.execPath, [...options, what, path, module], {
    encoding: 'utf8',
    env: { ...process.env, MALLOC_ARENA_MAX: '1' },
  });
  if (status !== 0) throw new Error(stderr.slice(-1000));
  return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
};

/** One line: what a plain parse takes, what the first call (which reads the file) and later ones take, and the memory of each. */
export const run = async (): Promise<object> => {
  const directory = mkdtempSync(join(tmpdir(), 'airlock-bench-'));
  const path = join(directory, 'calendar.ics');
  const text = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    ...Array.from({ length: EVENTS }, (_unused, index) => eventOf(index)),
    'END:VCALENDAR',
    '',
  ].join('\r\n');
  try {
    writeFileSync(path, text);
    const at = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
    const baseline = inChild('ical', path, at('../../node_modules/ical.js/dist/ical.js'));
    const connector = inChild('connector', path, at('../../dist/lib/connectors/calendar.cjs'));
    const ratio = Math.round((Number(connector['firstMs']) / Number(baseline['parseMs'])) * 100) / 100;
    return await Promise.resolve({
      events: EVENTS,
      recurring: RECURRING,
      megabytes: Math.round(text.length / 1e5) / 10,
      ical: baseline,
      connector,
      firstRatio: ratio,
      reachMb: 70,
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};
