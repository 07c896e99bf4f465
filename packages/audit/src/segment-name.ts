/** Segments: one file a UTC day, `YYYY-MM-DD.jsonl`, in the order of their names (AUDIT-3). */

const SEGMENT = /^\d{4}-\d{2}-\d{2}\.jsonl$/u;
const SUFFIX = '.jsonl';

export const isSegmentName = (name: string): boolean => SEGMENT.test(name);

/** The segment names among the names of a directory, oldest first. */
export const segmentNames = (names: readonly string[]): string[] => names.filter(isSegmentName).sort();

/** The segment a record of this instant belongs to. */
export const segmentOf = (ts: string): string => ts.slice(0, 10) + SUFFIX;

/** `YYYY-MM-DD` of a segment. */
export const dayOf = (name: string): string => name.slice(0, -SUFFIX.length);
