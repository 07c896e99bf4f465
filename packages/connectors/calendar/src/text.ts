/** Text that leaves the connector holds no character that hides, reorders or controls (CAL-20). */

const CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;
/** Bidirectional controls, zero-width and invisible characters, annotations, tags and the long variation selectors. */
const INVISIBLE =
  /[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb]|[\u{1bca0}-\u{1bca3}]|[\u{1d173}-\u{1d17a}]|[\u{e0000}-\u{e0fff}]/gu;
/** One joiner or variation selector belongs to an emoji or to Persian; a row of them is a hidden message. */
const JOINER_ROW = /[\u200c\u200d\ufe00-\ufe0f]{2,}/g;

/** The first `maxChars` UTF-16 units, never half a surrogate pair. */
export const cutChars = (text: string, maxChars: number): string => {
  if (text.length <= maxChars) return text;
  const cut = text.slice(0, maxChars);
  return cut.isWellFormed() ? cut : cut.slice(0, -1);
};

/** Several lines of text. Control characters become U+FFFD, invisible ones go. */
export const cleanText = (text: string): string =>
  text
    .toWellFormed()
    .replace(/\r\n?|[\u2028\u2029\u0085]/g, '\n')
    .replace(INVISIBLE, '')
    .replace(JOINER_ROW, (row) => (row === '\ufe0f\u200d' ? row : ''))
    .replace(CONTROL, '\ufffd');

/** One line of text, at most `maxChars` long. */
export const cleanLine = (text: string, maxChars: number): string =>
  cutChars(
    cleanText(cutChars(text, maxChars * 4))
      .replace(/[\s\ufffd]+/g, ' ')
      .trim(),
    maxChars,
  );
