/** `help exit-codes` and `help errors`, from the one table of errors; the manual pages say the same. */
import { ERRORS, type ErrorCode } from '../errors.js';

/** Exit status to its meaning, for both commands. */
export const EXIT_MEANINGS: Readonly<Record<number, string>> = {
  0: 'done',
  1: 'it failed',
  2: 'the command was not understood',
  3: 'not allowed',
  4: 'an approval or a lease is missing',
  5: 'Airlock cannot be reached',
  6: 'Airlock is locked or not set up',
  7: 'the audit log cannot be written or does not verify',
};

/** All codes in the order of the table. */
export const ERROR_CODES = Object.keys(ERRORS) as readonly ErrorCode[];

/** The codes that end a command with this status. */
export const codesOf = (exit: number): readonly ErrorCode[] => ERROR_CODES.filter((code) => ERRORS[code].exit === exit);

/** One paragraph a status. */
export const exitCodesText = (): string =>
  Object.entries(EXIT_MEANINGS)
    .map(([exit, meaning]) =>
      [`${exit}  ${meaning}`, codesOf(Number(exit)).join(' ')].filter((line) => line !== '').join('\n   '),
    )
    .join('\n');

/** One paragraph an error: code, status, when to try again, what to do. */
export const errorsText = (): string =>
  ERROR_CODES.map((code) => `${code}  (exit ${ERRORS[code].exit}, retry: ${ERRORS[code].retry})\n   ${ERRORS[code].hint}`).join(
    '\n',
  );
