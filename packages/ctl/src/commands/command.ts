/** The shape of one entry of the command table: program.ts, completion and help are made from it. */
import type { Context } from '../context.js';

export interface Flag {
  /** As commander writes it: `--last <span>`. */
  readonly flags: string;
  readonly summary: string;
  /** May be given several times; the value is then a list. */
  readonly many?: true;
}

export interface Invocation {
  readonly args: readonly string[];
  /** Text, true, or a list for `many`. */
  readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
}

export interface Command {
  /** One or two words: `credentials add`. */
  readonly name: string;
  /** As commander writes them: `<service> [fields...]`. */
  readonly args?: string;
  readonly summary: string;
  readonly flags?: readonly Flag[];
  /** Not listed in help: used by install.sh and units. */
  readonly hidden?: true;
  /** May be asynchronous. A number is the exit status, anything else is 0. */
  run(context: Context, invocation: Invocation): unknown;
}

export const textOption = ({ options }: Invocation, name: string): string | undefined => {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
};

export const listOption = ({ options }: Invocation, name: string): readonly string[] => {
  const value = options[name];
  return Array.isArray(value) ? (value as readonly string[]) : [];
};
