/** Questions to the human: one line each, asked again where the answer does not fit, with an error that names the step at the end of input. */
import { AirlockError } from '@airlock/protocol';
import type { Context } from '../context.js';
import { errorLines } from '../hints.js';
import { note } from '../output.js';

/** @param again the command that goes on from here */
export const endOfInput = (step: string, again: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', `the input ended at: ${step}`, {
    field: step,
    expected: 'one line',
    found: 'the end of input',
    hint: again,
  });

/** The error and its hint as they would end a command, where the command goes on. */
export const tellError = (context: Context, error: AirlockError): void => note(context, errorLines(error));

/** A line typed in the open. @throws AirlockError PARAMS_INVALID naming the step at the end of input */
export const askLine = async (context: Context, prompt: string, step: string, again: string): Promise<string> => {
  context.terminal.err(prompt);
  const text = await context.terminal.line();
  if (text === null) throw endOfInput(step, again);
  return text.trim();
};

/** Only the word itself counts; everything else is a no. */
export const confirm = async (context: Context, question: string, step: string, again: string): Promise<boolean> =>
  (await askLine(context, `${question} Type yes: `, step, again)).toLowerCase() === 'yes';

const isMistyped = (error: unknown): error is AirlockError =>
  error instanceof AirlockError && error.code === 'PARAMS_INVALID' && error.data.found !== 'the end of input';

/** On a terminal what was mistyped is asked for again; elsewhere it is the end. */
export const untilFits = async <T>(context: Context, read: () => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (!context.terminal.isTerminal || !isMistyped(error)) throw error;
      tellError(context, error);
    }
  }
};
