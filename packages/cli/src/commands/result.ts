/** `airlock result REQUEST`: the outcome of an operation that needed an approval of its own. */
import { awaitOutcome, callResult, type CallResult } from '@airlock/client';
import { waitingFor, withSession, type Context } from '../context.js';
import { printCall } from './call.js';
import type { Command } from './command.js';

/** What `call --wait` and `result --wait` wait for. */
export const OUTCOME_WAITED_FOR = 'the operator to decide, and for the outcome';

export const result = (context: Context, request: string, flags: { readonly wait?: boolean }): Promise<void> =>
  withSession(context, async ({ session }) => {
    const { timers } = context;
    const asked: Promise<CallResult> =
      flags.wait === true ? awaitOutcome(session, request, { timers }) : callResult(session, request);
    printCall(context, await waitingFor(context, OUTCOME_WAITED_FOR, asked));
  });

export const RESULT: Command = {
  name: 'result',
  args: '<request>',
  summary: 'the outcome of an operation that needed an approval of its own; it runs once',
  flags: [{ flags: '--wait', summary: 'wait for the decision and the outcome' }],
  run: (context, { args: [id = ''], options }) => result(context, id, options),
};
