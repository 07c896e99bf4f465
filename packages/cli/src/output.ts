/** What the command prints: one JSON value on stdout with --json, text for humans otherwise; errors on stderr. */
import { AirlockError, type ErrorData } from '@airlock/client';

export interface Output {
  readonly isJson: boolean;
  /** Colours only on a terminal, and never with NO_COLOR (no-color.org). */
  readonly hasColour: boolean;
  /** Is stderr one? */
  readonly isTerminal: boolean;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

/** Prints the result of a command: `value` for programs, `human` for people. */
export const printResult = (output: Output, value: unknown, human: () => string): void => {
  output.stdout(output.isJson ? `${JSON.stringify(value)}\n` : `${human()}\n`);
};

/** A line for the human while a command runs; on stderr, so that stdout stays one value. */
export const printNote = (output: Output, text: string): void => output.stderr(`airlock: ${text}\n`);

const RED = '\u001b[31m';
const RESET = '\u001b[39m';

const errorValue = (error: AirlockError): { readonly error: ErrorData & { readonly message: string } } => ({
  error: { ...error.data, message: error.message },
});

const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** What others wrote must not move the cursor or colour the terminal: control characters become `\u{HEX}`. */
export const printable = (text: string): string =>
  text.replaceAll(INVISIBLE, (found) => `\\u{${(found.codePointAt(0) ?? 0).toString(16)}}`);

const jsonEscape = (found: string): string =>
  found === '\n'
    ? found
    : Array.from({ length: found.length }, (_, at) => `\\u${found.charCodeAt(at).toString(16).padStart(4, '0')}`).join('');

/** JSON for human eyes: indented, and still the same JSON, with everything invisible escaped. */
export const printableJson = (value: unknown): string => JSON.stringify(value, null, 2).replaceAll(INVISIBLE, jsonEscape);

/** The error on stderr in two lines, and with --json as the one value on stdout too. */
export const printError = (output: Output, error: AirlockError): void => {
  const label = output.hasColour ? `${RED}error${RESET}` : 'error';
  if (output.isJson) output.stdout(`${JSON.stringify(errorValue(error))}\n`);
  output.stderr(`airlock: ${label}: ${printable(error.message)} (${error.code})\n`);
  output.stderr(`airlock: hint: ${printable(error.data.hint)}\n`);
};
