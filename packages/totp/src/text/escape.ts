/**
 * Foreign text made safe to show to the one who approves (docs/spec/approval.md "Text").
 *
 * TEXT-1  everything but printable characters is written `\u{HEX}`: nothing moves the cursor, reverses, hides or joins.
 * TEXT-2  `"` and `\` are escaped, so that foreign text cannot end its own quotation or imitate an escape.
 * TEXT-3  a combining mark stands only on a letter, at most two on one: no mark reaches another line or word.
 * TEXT-4  nothing is cut.
 * TEXT-5  a space after a space is escaped: our own lines begin with two, so no foreign text that a narrow terminal
 *         wraps can look like one of them.
 */

/**
 * Never shown as they are: controls, format characters (bidirectional controls, zero width, tags), surrogates,
 * private use, unassigned, line and paragraph separators, every space but U+0020, and what a terminal may draw as
 * nothing. U+2800, U+1D159, U+13441 and U+13442 are symbols and letters by category and blank by looks; U+FFFC stands
 * for whatever the terminal puts there.
 */
const HIDDEN =
  /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Variation_Selector}\u2800\u{1D159}\u{13441}\u{13442}\ufffc]|(?! )\p{Zs}/u;
const MARK = /\p{M}/u;
const LETTER = /\p{L}/u;
/** Vietnamese in NFD has two marks on a letter; more is decoration that covers its neighbours. */
const MAX_MARKS = 2;

const escapePoint = (character: string): string => `\\u{${Number(character.codePointAt(0)).toString(16).toUpperCase()}}`;

/** Printable ASCII without `"` and `\`, single spaces: by far the most of what is shown. */
const PLAIN = /^(?: ?[!#-[\]-~])* ?$/;

/** The text with everything escaped that could mislead. Never cut; may grow to ten times its length. */
export const escapeText = (text: string): string => {
  if (PLAIN.test(text)) return text;
  let shown = '';
  let marksLeft = 0;
  let before = '';
  for (const character of text) {
    const isRun = character === ' ' && before === ' ';
    before = character;
    if (character === '"' || character === '\\') {
      shown += `\\${character}`;
      marksLeft = 0;
    } else if (isRun || HIDDEN.test(character)) {
      shown += escapePoint(character);
      marksLeft = 0;
    } else if (MARK.test(character)) {
      shown += marksLeft > 0 ? character : escapePoint(character);
      marksLeft = Math.max(0, marksLeft - 1);
    } else {
      shown += character;
      marksLeft = LETTER.test(character) ? MAX_MARKS : 0;
    }
  }
  return shown;
};

export const quoteText = (text: string): string => `"${escapeText(text)}"`;

/** What may stand without quotation: no space, no quotation mark, nothing that reads like another field. */
const WORD = /^[A-Za-z0-9@._+:/-]+$/;

/** A name, address or number as it stands; quoted where it is anything else. */
export const wordText = (text: string): string => (WORD.test(text) ? text : quoteText(text));
