/** Every limit of this connector in one place: unit in the name, reason beside it. */

export const LIMITS = {
  /** Longest command line we ever send: 100 UIDs and a header list are below 2 KiB. */
  maxCommandLineBytes: 8192,
  /** Longest argument sent as a literal; search texts are at most 500 characters. */
  maxCommandLiteralBytes: 4096,
  /** Any answer line but those below. */
  maxLineBytes: 64 * 1024,
  /** `* SEARCH` of a mailbox with 500,000 hits. */
  maxSearchLineBytes: 4 * 1024 * 1024,
  /** BODYSTRUCTURE of 10,000 parts, the most Dovecot makes. */
  maxFetchLineBytes: 4 * 1024 * 1024,
  /** Body pieces are asked for in at most 512 KiB. */
  maxBodyLiteralBytes: 1024 * 1024,
  /** Folder names and file names that a server sends as literals. */
  maxTextLiteralBytes: 64 * 1024,
  /** Longest single text of a BODYSTRUCTURE that is passed on; node-imap's word decoder is quadratic. */
  maxFetchTextBytes: 1024,
  /** Dovecot nests at most 100 parts, three parentheses each; node-imap recurses once a parenthesis. */
  maxNesting: 320,
  /** Everything that comes between one command and the next. */
  maxAnswerBytes: 64 * 1024 * 1024,
  /** What a server says before TLS is on. */
  maxPlainGreetingBytes: 8192,
  /** Answers other than FETCH between one command and the next: 8 MiB of SEARCH are a million hits. */
  maxUntaggedBytes: 8 * 1024 * 1024,
  maxFolders: 5000,
  /** A server that lists more is not listing folders; each takes half a kilobyte here. */
  maxListedFolders: 20_000,
  /** One piece of a body or attachment in transfer encoding, on the wire. */
  pieceBytes: 256 * 1024,
  /** The header fields of a listed message. */
  headerBytes: 16 * 1024,
  /** One text part of a message, in transfer encoding. */
  bodyBytes: 512 * 1024,
  /** Messages a search looks into for attachments before it hands back a cursor. */
  maxInspected: 400,
  /** Messages a search reads the From field of, for a lease of certain senders: 5,000 take about a second. */
  maxSendersRead: 5000,
  /** From fields kept in a session. */
  maxRememberedSenders: 50_000,
  /** How far a server's zone may be from UTC. */
  maxZoneMs: 86_400_000,
  maxAttachments: 100,
  maxAddresses: 100,
  maxSubjectChars: 1000,
  /** A maildir file beyond this is read up to here and said to be truncated. */
  maxFileBytes: 32 * 1024 * 1024,
  /** A message to be written: its text in UTF-8, each byte written as three, and the header. */
  maxMessageBytes: 1024 * 1024,
  /** Somebody reads all of it before approving. */
  maxNewTextChars: 50_000,
  maxNewSubjectChars: 500,
  /** A message to more people is a campaign. */
  maxRecipients: 50,
  /** RFC 5321 §4.5.3.1.3, without the angle brackets. */
  maxAddressChars: 254,
  /** RFC 5321 §4.5.3.1.5 allows 512; EHLO lines of some servers are longer. */
  maxSmtpLineBytes: 2048,
  maxSmtpLines: 100,
  /** Everything a server says in one submission: fifty recipients, a line each. */
  maxSmtpBytes: 256 * 1024,
  /** A whole submission; the cell gives a call 30 s. */
  submitMs: 25_000,
  /** Connecting, TLS and login together. */
  loginMs: 20_000,
} as const;
