/** Printing: one JSON value with --json, else text for people; errors on stderr as `airlock: error: …` and `airlock: hint: …`. */
import { asAirlockError, type AirlockError } from '@airlock/protocol';
import type { Context } from './context.js';
import { errorLines } from './hints.js';
import { printable } from './printable.js';

/** Lines made printable, their ends kept. */
export const printableLines = (text: string): string => text.split('\n').map(printable).join('\n');

/** With --json the value, else the text, made printable (nothing where it is empty). */
export const print = (context: Context, value: unknown, text: string): void => {
  const line = context.json ? JSON.stringify(value) : printableLines(text);
  if (line !== '') context.terminal.out(`${line}\n`);
};

const width = (text: string): number => Array.from(text).length;

/** Columns padded to their widest cell; a head of capitals. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const all = [head.map((cell) => cell.toUpperCase()), ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => width(row[column] ?? ''))));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - width(cell))))
      .join('  ')
      .trimEnd();
  return all.map(line).join('\n');
};

/** `12:34:56` of this machine's day, or with date where it is another day. */
export const localTime = (iso: string): string => {
  const date = new Date(iso);
  const time = date.toTimeString().slice(0, 8);
  return date.toDateString() === new Date().toDateString() ? time : `${iso.slice(0, 10)} ${time}`;
};

/** An error as it stands in JSON. */
export const errorValue = (error: AirlockError): object => ({ error: { ...error.data, message: error.message } });

const stack = (thrown: unknown): string => (thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown));

/** Prints an error the way --json asks for. @returns the exit status */
export const printError = (context: Context, thrown: unknown): number => {
  const error = asAirlockError(thrown);
  if (context.json) context.terminal.out(`${JSON.stringify(errorValue(error))}\n`);
  const message = error === thrown ? error.message : `${error.message} (${stack(thrown)})`;
  note(context, errorLines(error, message));
  return error.exitCode;
};

/** With --json the value, else the text as it is: for what is piped on, such as a secret. */
export const printRaw = (context: Context, value: unknown, text: string): void =>
  context.terminal.out(`${context.json ? JSON.stringify(value) : text}\n`);

/** A note for people on stderr, so that stdout stays what was asked for. */
export const note = (context: Context, text: string): void => context.terminal.err(`${printableLines(text)}\n`);
