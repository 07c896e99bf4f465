/** `airlock help exit-codes`, from the one table of errors. */
import { ERRORS, type ErrorCode } from '@airlock/client';

const MEANINGS: Readonly<Record<number, string>> = {
  1: 'it failed',
  2: 'the command was not understood',
  3: 'not allowed',
  4: 'an approval or a lease is missing',
  5: 'Airlock cannot be reached',
  6: 'Airlock is locked or not set up',
  7: 'the audit log cannot be written or does not verify',
};

const codesOf = (exit: number): string =>
  (Object.keys(ERRORS) as ErrorCode[]).filter((code) => ERRORS[code].exit === exit).join(' ');

/** The table, one exit code a paragraph. */
export const exitCodes = (): string => {
  const rows = Object.entries(MEANINGS).map(([exit, meaning]) => `${exit}  ${meaning}\n   ${codesOf(Number(exit))}`);
  return ['0  done', ...rows].join('\n');
};
