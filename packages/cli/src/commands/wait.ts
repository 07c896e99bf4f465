/** `airlock wait REQUEST`: stays until a request of an earlier command is decided. */
import { accessStatus, awaitDecision } from '@airlock/client';
import { waitingFor, withSession, type Context } from '../context.js';
import { printResult } from '../output.js';
import { grantedText, keepLease, WAITED_FOR } from './request.js';
import type { Command } from './command.js';

/** Between two polls of a gateway that answers at once (docs/spec/wire.md has it in every answer of access.request). */
const POLL_INTERVAL_S = 2;

export const wait = (context: Context, request: string): Promise<void> =>
  withSession(context, async (connected) => {
    const { pending } = await accessStatus(connected.session);
    const match = pending.find((candidate) => candidate.request === request)?.match;
    const decided = awaitDecision(connected.session, { request, pollIntervalS: POLL_INTERVAL_S }, { timers: context.timers });
    const decision = await waitingFor(context, WAITED_FOR, decided);
    keepLease(connected, decision);
    const value = { request, status: 'approved', ...(match === undefined ? {} : { match }), ...decision };
    printResult(context.output, value, () => grantedText(decision));
  });

export const WAIT: Command = {
  name: 'wait',
  args: '<request>',
  summary: 'wait for the decision on an earlier request and keep the lease',
  run: (context, { args: [id = ''] }) => wait(context, id),
};
