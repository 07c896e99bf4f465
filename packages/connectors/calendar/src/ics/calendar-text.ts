/** One iCalendar text, read: its events by UID, a master and the instances that were changed. */
import { sha256Hex } from '@airlock/protocol';
import { LIMITS } from '../limits.js';
import type { Pace } from '../pace.js';
import { zonesOf } from '../zones/names.js';
import { readEntry, type Entry } from './event.js';
import { scanCalendar } from './scan.js';

/** All VEVENTs of one UID. */
export interface Series {
  readonly uid: string;
  /** The event itself; null where only single instances of it were shared. */
  readonly master: Entry | null;
  /** Changed instances, one for each RECURRENCE-ID. */
  readonly overrides: readonly Entry[];
}

export interface CalendarText {
  readonly series: readonly Series[];
  /** X-WR-CALNAME. */
  readonly name: string | null;
  /** Events that could not be read. */
  readonly skipped: number;
}

/** The later revision wins (RFC 5546 §2.1.5); of equal ones the last in the file. */
const isNewer = (entry: Entry, than: Entry | null | undefined): boolean =>
  than === null || than === undefined || entry.sequence >= than.sequence;

/** An event without UID is known by what it says. */
const nameOf = (entry: Entry): string => {
  const { bytes, from, to } = entry.block;
  return entry.uid === '' ? `sha256:${sha256Hex(bytes.subarray(from, to))}` : entry.uid;
};

class Collected {
  master: Entry | null = null;
  readonly overrides = new Map<string, Entry>();
  skipped = 0;

  add(entry: Entry): void {
    if (entry.recurrenceId === null) {
      if (isNewer(entry, this.master)) this.master = entry;
      return;
    }
    const key = `${entry.recurrenceId.zone?.name ?? ''} ${entry.recurrenceId.wallMs} ${entry.recurrenceId.isDate}`;
    const known = this.overrides.get(key);
    if (known === undefined && this.overrides.size >= LIMITS.maxOverrides) this.skipped += 1;
    else if (isNewer(entry, known)) this.overrides.set(key, entry);
  }
}

/** @throws AirlockError UPSTREAM_REFUSED (scanCalendar), or of the pace. */
export const readCalendar = async (bytes: Buffer, pace: Pace): Promise<CalendarText> => {
  const scanned = await scanCalendar(bytes, pace);
  const zoneOf = zonesOf(scanned.zones);
  const byUid = new Map<string, Collected>();
  let { skipped } = scanned;
  for (const block of scanned.events) {
    await pace.step(Math.max(1, Math.ceil((block.to - block.from) / 4096)));
    const entry = readEntry(block, zoneOf);
    if (entry === null) {
      skipped += 1;
      continue;
    }
    const uid = nameOf(entry);
    const collected = byUid.get(uid) ?? new Collected();
    byUid.set(uid, collected);
    collected.add(entry);
  }
  const series = [...byUid].map(([uid, { master, overrides }]) => ({ uid, master, overrides: [...overrides.values()] }));
  for (const one of byUid.values()) skipped += one.skipped;
  return { series, name: scanned.name, skipped };
};
