/**
 * Makes characters visible that a reader does not see but a machine does: hidden instructions, reversed text,
 * terminal escapes. Unicode 16 (bidirectional controls: UAX #9; tags: chapter 23.9).
 */

/**
 * C0 without tab and line feed, DEL and C1; zero-width space, joiners and marks; line and paragraph separators and
 * embeddings; word joiner and invisible operators; isolates; byte order mark; tags.
 */
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff]|[\u{e0000}-\u{e007f}]/gu;

const visible = (char: string): string => `\\u{${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}}`;

/** The text with each hidden character written as `\u{XXXX}`. */
export const neutraliseText = (text: string): string => text.replace(HIDDEN, visible);
