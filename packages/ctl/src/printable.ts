/**
 * Foreign text for the operator's terminal: what agents wrote stands in the record as they wrote it.
 *
 * PRINT-1  nothing of it moves the cursor, reverses, hides or joins (as TEXT-1 of the approval's text).
 * PRINT-2  a value that is not one plain word is quoted, so that it cannot imitate another field of its line.
 */

const HIDDEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Variation_Selector}\u2800\ufffc]|(?! )\p{Zs}/gu;
const WORD = /^[A-Za-z0-9@._+:/-]+$/;

const escapePoint = (character: string): string => `\\u{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`;

/** The text with everything escaped that is no printable character. */
export const printable = (text: string): string => text.replaceAll(HIDDEN, escapePoint);

/** A member of a record: a plain word as it stands, any other text quoted, anything else as JSON. */
export const printableValue = (value: unknown): string => {
  if (value === undefined) return '';
  return typeof value === 'string' && WORD.test(value) ? value : printable(JSON.stringify(value));
};
