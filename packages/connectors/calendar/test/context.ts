/** Contexts, calendars and asserts that the tests of this package share. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AirlockError,
  systemClock,
  type Clock,
  type ConnectorContext,
  type ConnectorManifest,
  type ConnectorSession,
  type ErrorCode,
  type Json,
  type Origin,
} from '@airlock/protocol';
import type { Test } from 'tap';
import { openSession } from '../src/index.js';

export const manifestOf = (kind: string): ConnectorManifest =>
  JSON.parse(readFileSync(join(import.meta.dirname, `../../manifests/${kind}.json`), 'utf8')) as ConnectorManifest;

/** A wall clock that stands at one moment. */
export const clockAt = (time: string): Clock => ({ wallMs: () => Date.parse(time), bootMs: () => systemClock.bootMs() });

export const NOW = '2025-03-28T12:00:00Z';

export interface ContextOptions {
  readonly settings?: ConnectorContext['settings'];
  readonly credential?: ConnectorContext['credential'];
  readonly clock?: Clock;
}

export const fileContext = (path: string, { settings, clock = clockAt(NOW) }: ContextOptions = {}): ConnectorContext => ({
  manifest: manifestOf('ics-file'),
  settings: { path, time_zone: 'Europe/Berlin', ...settings },
  credential: {},
  destination: { kind: 'ics-file', path, user: '' },
  clock,
});

export const originOf = (url: string): Origin => {
  const { protocol, hostname, port } = new URL(url);
  return { scheme: protocol.slice(0, -1), host: hostname, port: Number(port) };
};

export const caldavContext = (
  url: string,
  { settings, credential, clock = clockAt(NOW) }: ContextOptions = {},
): ConnectorContext => ({
  manifest: manifestOf('caldav'),
  settings: { url, user: 'ada', time_zone: 'Europe/Berlin', ...settings },
  credential: { password: 'correct-horse', ...credential },
  destination: { kind: 'caldav', origins: [originOf(url)], user: 'ada' },
  clock,
});

export const addressContext = (
  url: string,
  { settings, credential, clock = clockAt(NOW) }: ContextOptions = {},
): ConnectorContext => ({
  manifest: manifestOf(credential === undefined ? 'ics' : 'ics-secret'),
  settings: { ...(credential === undefined ? { url } : {}), time_zone: 'Europe/Berlin', ...settings },
  credential: credential ?? {},
  destination: { kind: 'ics', origins: [originOf(url)], user: '' },
  clock,
});

export const calendar = (...components: readonly string[]): string =>
  ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//test//EN', ...components, 'END:VCALENDAR', ''].join('\r\n');

export const event = (...lines: readonly string[]): string => ['BEGIN:VEVENT', ...lines, 'END:VEVENT'].join('\r\n');

/** What a list shows of an event. */
export interface Shown {
  readonly id: string;
  readonly calendar: string;
  readonly title: string;
  readonly start: string;
  readonly end: string;
  readonly all_day: boolean;
  readonly status: string | null;
  readonly recurring: boolean;
  readonly recurrence_id: string | null;
  readonly event_time_zone: string | null;
  readonly description: string;
  readonly attendees: readonly { readonly name: string; readonly address: string; readonly status: string | null }[];
}

/** The members of all results; a test reads those of the operation it called. */
export interface ResultOf extends Shown {
  readonly events: readonly Shown[];
  readonly calendars: readonly { readonly id: string; readonly name: string }[];
  readonly next_cursor: string | null;
  readonly truncated: boolean;
  readonly skipped: number;
  readonly from: string;
  readonly to: string;
  readonly recurrence: string | null;
  readonly uid: string;
  readonly created: boolean;
}

export type Params = Readonly<Record<string, Json>>;

/** Runs an operation without deadline and returns its result. */
export const run = async (
  session: ConnectorSession,
  operation: string,
  params: Params = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<ResultOf> => (await session.execute(operation, params, { signal, constraints: {} })).result as unknown as ResultOf;

/** A session over a file with this text; gone with the test. */
export const openText = async (t: Test, text: string | Buffer, options: ContextOptions = {}): Promise<ConnectorSession> => {
  const directory = mkdtempSync(join(tmpdir(), 'airlock-ics-'));
  const path = join(directory, 'calendar.ics');
  writeFileSync(path, text);
  const session = await openSession(fileContext(path, options));
  t.teardown(async () => {
    await session.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return session;
};

/** `title start end` of the events in a window. */
export const listed = async (session: ConnectorSession, params: Params, operation = 'range'): Promise<readonly string[]> => {
  const { events } = await run(session, operation, params);
  return events.map(({ title, start, end }) => `${title} ${start} ${end}`);
};

/** Asserts that the work ends in an AirlockError of this code, and returns it. */
export const refused = async (t: Test, work: Promise<unknown>, code: ErrorCode, name: string): Promise<AirlockError> => {
  try {
    await work;
  } catch (thrown) {
    if (!(thrown instanceof AirlockError)) throw thrown;
    t.equal(thrown.code, code, name);
    return thrown;
  }
  t.fail(`${name}: nothing was refused`);
  return new AirlockError('INTERNAL', 'nothing was refused');
};
