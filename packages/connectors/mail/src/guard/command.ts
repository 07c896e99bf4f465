/**
 * The commands that may go to the server, each with its whole grammar (RFC 3501 §6, RFC 4731, X-GM-EXT-1):
 *
 *   CAPABILITY  NAMESPACE  NOOP  LOGOUT  LOGIN (once)  EXAMINE  LIST ""  STATUS
 *   SEARCH  UID SEARCH  FETCH  UID FETCH (bodies by BODY.PEEK only)
 *
 * STARTTLS is spoken by dial.ts before the guard starts. Whatever is not listed here does not exist.
 *
 * MAIL-1  Every byte that leaves belongs to a command that matches one grammar as a whole.
 * MAIL-2  No grammar contains a command that changes anything: SELECT, STORE, COPY, MOVE, APPEND, CREATE, DELETE,
 *         RENAME, SUBSCRIBE, CLOSE, EXPUNGE, IDLE, BODY[ without PEEK and RFC822 are in none. One APPEND that was armed
 *         passes beside the grammars (outgoing.ts).
 * MAIL-3  CR, LF and NUL occur in no argument, quoted or literal.
 */

/** Stands for a literal in the text that the grammars see; NUL cannot occur otherwise (MAIL-3). */
export const LITERAL = '\0';

const ASCII_QUOTED = '"(?:[\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]|\\\\["\\\\])*"';
const QUOTED = '"(?:[\\x20\\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\["\\\\])*"';
const NUMBER = '[0-9]{1,10}';
const RANGE = `(?:${NUMBER}(?::(?:${NUMBER}|\\*))?|\\*)`;
const SET = `${RANGE}(?:,${RANGE})*`;
const STATUS_ITEM = '(?:MESSAGES|RECENT|UNSEEN|UIDVALIDITY|UIDNEXT)';
const DATE = '[0-9]{1,2}-[A-Z][a-z]{2}-[0-9]{4}';
const TEXT_KEY = '(?:FROM|TO|SUBJECT|TEXT|X-GM-RAW)';
const SEARCH_KEY = `(?:ALL|SEEN|UNSEEN|${TEXT_KEY} (?:${ASCII_QUOTED}|${LITERAL})|(?:SINCE|BEFORE) ${DATE}|UID ${SET})`;
const SEARCH_HEAD = '(?:UID )?SEARCH(?: RETURN \\(COUNT\\))?(?: CHARSET UTF-8)?';
const PART = '[1-9][0-9]{0,4}(?:\\.[1-9][0-9]{0,4})*';
const SECTION = `(?:|HEADER|HEADER\\.FIELDS \\([A-Z-]+(?: [A-Z-]+)*\\)|${PART}(?:\\.MIME)?)`;
const FETCH_ITEM =
  '(?:UID|FLAGS|INTERNALDATE|ENVELOPE|BODYSTRUCTURE|RFC822\\.SIZE|X-GM-THRID|X-GM-MSGID|X-GM-LABELS|' +
  `BODY\\.PEEK\\[${SECTION}\\](?:<${NUMBER}\\.${NUMBER}>)?)`;

interface Grammar {
  readonly verb: string;
  readonly whole: RegExp;
  /** What may stand before a literal, where the command takes any. */
  readonly beforeLiteral?: RegExp;
  readonly once?: boolean;
}

const grammar = (verb: string, body: string): Grammar => ({ verb, whole: new RegExp(`^${body}$`) });

const GRAMMARS: readonly Grammar[] = [
  grammar('CAPABILITY', 'CAPABILITY'),
  grammar('NAMESPACE', 'NAMESPACE'),
  grammar('NOOP', 'NOOP'),
  grammar('LOGOUT', 'LOGOUT'),
  { ...grammar('LOGIN', `LOGIN ${QUOTED} ${QUOTED}`), once: true },
  grammar('EXAMINE', `EXAMINE ${ASCII_QUOTED}`),
  grammar('LIST', `LIST "" ${ASCII_QUOTED}`),
  grammar('STATUS', `STATUS ${ASCII_QUOTED} \\(${STATUS_ITEM}(?: ${STATUS_ITEM})*\\)`),
  {
    ...grammar('SEARCH', `${SEARCH_HEAD}(?: ${SEARCH_KEY})+`),
    beforeLiteral: new RegExp(`^${SEARCH_HEAD}(?: ${SEARCH_KEY})* ${TEXT_KEY} $`),
  },
  grammar('FETCH', `(?:UID )?FETCH ${SET} \\(${FETCH_ITEM}(?: ${FETCH_ITEM})*\\)`),
];

const TAGGED = /^(A[0-9]{1,16}|NOOP) (.*)$/s;

/** Splits tag and command; null where the tag is not one of node-imap's. */
export const splitTag = (text: string): { readonly tag: string; readonly body: string } | null => {
  const found = TAGGED.exec(text);
  return found?.[1] === undefined || found[2] === undefined ? null : { tag: found[1], body: found[2] };
};

/** The verb of a complete command without its tag, or null where no grammar has it (MAIL-1, MAIL-2). */
export const verbOfWhole = (body: string): Pick<Grammar, 'verb' | 'once'> | null =>
  GRAMMARS.find(({ whole }) => whole.test(body)) ?? null;

/** Whether a literal may follow this beginning of a command. */
export const mayPrecedeLiteral = (body: string): boolean =>
  GRAMMARS.some(({ beforeLiteral }) => beforeLiteral?.test(body) === true);
