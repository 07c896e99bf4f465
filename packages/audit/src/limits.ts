/** All limits of the log, unit in the name, reason beside it. */

/** Longest line with its LF; what a verifier has to hold at once. */
export const MAX_LINE_BYTES = 65_536;
/** Longest string value written, in UTF-16 units; longer ones are cut and marked. */
export const MAX_STRING_CHARS = 1_024;
/** Longest member name written. */
export const MAX_KEY_CHARS = 64;
/** Most members of an object, or items of an array, in a field. */
export const MAX_ITEMS = 64;
/** Deepest nesting in a line, the record itself included; the scanner recurses this far and no further. */
export const MAX_DEPTH = 16;
/** Deepest nesting of one field as written; leaves room below MAX_DEPTH. */
export const MAX_FIELD_DEPTH = 8;
/** Held back on disk for the last records of a full disk. */
export const RESERVE_BYTES = 1 << 20;
/** Below this, `hasRoom()` is false and agents are refused. */
export const MIN_FREE_BYTES = 64 << 20;
/** Reads reach the disk at most this much later; a power cut may lose them. */
export const GROUP_COMMIT_MS = 20;
/** Line digests held in memory for countersigning (32 bytes each); older ones are read from disk. */
export const DIGEST_WINDOW = 65_536;
/** How many records back a `checkpoint` record may point; the hashes a verifier holds (32 bytes each). */
export const CHECKPOINT_REACH = 65_536;
/** Longest signed note read; three lines and sixteen signatures fit many times. */
export const MAX_NOTE_BYTES = 16_384;
/** Signature lines read in one note (C2SP signed-note: at least 16 must be accepted). */
export const MAX_NOTE_SIGNATURES = 32;
/** Refusals of one (role, code) become one record in this time. */
export const FOLD_WINDOW_MS = 1_000;
/** Bytes one role may write at once, and in the long run each second (about 86 MB a day). */
export const ROLE_BURST_BYTES = 8 << 20;
export const ROLE_REFILL_BYTES_PER_S = 1_000;
/** Read buffer of verification, recovery and queries. */
export const READ_CHUNK_BYTES = 1 << 20;
