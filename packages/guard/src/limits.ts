/** The limits of guard, unit in the name, reason beside it. */

export const SCHEMA_LIMITS = {
  /** JSON text of one operation's schema. The largest of real services are below 64 KiB. */
  maxSchemaChars: 256 * 1024,
  /** Nesting of a schema: a depth of 5,000 overflows the compiler's stack. */
  maxSchemaDepth: 32,
  /** Characters of one regular expression. */
  maxPatternChars: 256,
  /** `{n,m}` up to this m counts as bounded when patterns are looked at. */
  maxBoundedRepeats: 64,
} as const;

export const MASK_LIMITS = {
  /** A shorter value is masked only where it is the whole string: it would hit dates and counts. */
  minSubstringChars: 4,
  /** A shorter value has too few base64 characters of its own: attachments would be hit by chance. */
  minBase64Bytes: 6,
  /** A longer secret is a file with lines; its pieces are looked for one by one. */
  maxPieceChars: 128,
  /** From this length on the mark shows the last characters, so that a human can tell two keys apart. */
  minCharsToShow: 12,
  shownChars: 4,
  /** A shorter secret is not looked for in pieces: two short words of a result would be it by chance. */
  minSplitChars: 8,
  /** A form is at most this often as long as its shortest spelling: `&#x00000041;` for one character. */
  maxFormFactor: 12,
} as const;

export const CUT_LIMITS = {
  /** No string is cut below this, before all longer ones were. */
  minKeptChars: 64,
  /** So far back a blank is looked for, so that no word is cut in two. */
  maxBackChars: 48,
} as const;
