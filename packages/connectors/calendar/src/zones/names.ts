/** From a TZID to a zone: what calendars in use write there (docs/spec/calendar.md, "Time zones"). */
import { readProperties, textOfFirst } from '../ics/component.js';
import type { Block } from '../ics/scan.js';
import type { ZoneOf } from '../ics/stamp.js';
import { customZone } from './custom.js';
import { WINDOWS_ZONES } from './windows-names.js';
import { fixedZone, ianaZone, type Zone } from './zone.js';

const TZID: ReadonlySet<string> = new Set(['TZID']);

const windowsZone = (name: string): Zone | null => {
  const iana = Object.hasOwn(WINDOWS_ZONES, name) ? WINDOWS_ZONES[name] : undefined;
  return iana === undefined ? null : ianaZone(iana);
};

/** `/mozilla.org/20050126_1/Europe/Berlin`, `/freeassociation.sourceforge.net/Europe/Berlin`: the name at the end. */
const prefixedZone = (name: string): Zone | null => {
  const parts = name.split('/').slice(0, 12);
  for (const length of [3, 2, 1])
    if (parts.length > length) {
      const zone = ianaZone(parts.slice(-length).join('/'));
      if (zone !== null) return zone;
    }
  return null;
};

/** `UTC+01:00`, `GMT-0500`, `(UTC+01:00) Amsterdam, Berlin`. */
const offsetZone = (name: string): Zone | null => {
  const [, sign, hours, minutes = 0] = /^\(?(?:UTC|GMT)([+-])([01]?[0-9]):?([0-5][0-9])?(?:\).*)?$/.exec(name) ?? [];
  if (sign === undefined) return null;
  const ms = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return fixedZone(sign === '-' ? -ms : ms);
};

/** A zone of the file whose TZID says nothing else; blocks are read when they are first asked for. */
const definedZones = (blocks: readonly Block[]): ((tzid: string) => Zone | null) => {
  let byName: Map<string, Block> | null = null;
  const index = (): Map<string, Block> =>
    new Map(blocks.map((block) => [textOfFirst(readProperties(block, TZID), 'TZID'), block]));
  return (tzid) => {
    byName ??= index();
    const block = byName.get(tzid);
    return block === undefined ? null : customZone(block, windowsZone(tzid)?.name ?? null);
  };
};

/** Zones of one file. Each TZID is resolved once. Unknown: null, and the time is read as floating (CAL-10). */
export const zonesOf = (blocks: readonly Block[]): ZoneOf => {
  const defined = definedZones(blocks);
  const known = new Map<string, Zone | null>();
  return (tzid) => {
    const name = tzid.slice(0, 256).trim();
    const found = known.get(name);
    if (found !== undefined) return found;
    const zone = ianaZone(name) ?? defined(name) ?? windowsZone(name) ?? prefixedZone(name) ?? offsetZone(name);
    if (known.size < 1000) known.set(name, zone);
    return zone;
  };
};
