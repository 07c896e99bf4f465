/** `airlock_wait`: waits for the decision, with progress, for less than any client's patience. */
import type { CallToolResult, ServerContext } from '@modelcontextprotocol/server';
import { onlyKnown, optionalInteger, textOf } from '../arguments.js';
import type { Broker, Granted } from '../broker.js';
import { nextStep, outputSchema, text, texts } from '../output.js';
import { toolResult } from '../result.js';
import { closedSchema, type OwnTool } from './own-tool.js';

/** MCP clients give up after 60 s by default. */
const MAX_WAIT_S = 50;
/** One look at the gateway, and so the time between two progress notes. */
const SLICE_S = 5;

const report = async ({ mcpReq }: ServerContext, elapsedS: number, totalS: number): Promise<void> => {
  const token = mcpReq._meta?.progressToken;
  if (token === undefined) return;
  const params = { progressToken: token, progress: elapsedS, total: totalS, message: 'the human has not decided yet' };
  await mcpReq.notify({ method: 'notifications/progress', params });
};

/** Nothing, for so long. */
export const pause = (broker: Broker, ms: number): Promise<void> =>
  ms <= 0 ? Promise.resolve() : new Promise((resolve) => void broker.timers.after(ms, resolve));

/**
 * Looks in slices until there is something, at most `totalS` seconds; each slice takes at least as long as asked, so that
 * a gateway that answers early is not asked in a loop.
 */
export const inSlices = async <T>(
  broker: Broker,
  totalS: number,
  context: ServerContext,
  look: (sliceS: number) => Promise<T | null>,
): Promise<T | null> => {
  for (let elapsedS = 0; ; elapsedS += SLICE_S) {
    const startedMs = broker.timers.nowMs();
    const sliceS = Math.min(SLICE_S, totalS - elapsedS);
    const found = await look(sliceS);
    if (found !== null) return found;
    await pause(broker, sliceS * 1000 - (broker.timers.nowMs() - startedMs));
    if (elapsedS + sliceS >= totalS || context.mcpReq.signal.aborted) return null;
    await report(context, elapsedS + sliceS, totalS);
  }
};

/** The decision of a request for access; null while there is none. @throws AirlockError APPROVAL_DENIED, APPROVAL_EXPIRED */
export const waitForAccess = (broker: Broker, request: string, totalS: number, context: ServerContext): Promise<Granted | null> =>
  inSlices(broker, totalS, context, (sliceS) => broker.settle(request, sliceS));

/** What is told of a granted request. */
export const grantedResult = (granted: Granted): CallToolResult =>
  toolResult(`Approved: ${granted.scopes.join(', ')} until ${granted.expiresAt}.`, granted);

export const waitTool: OwnTool = {
  definition: {
    name: 'airlock_wait',
    title: 'Wait for the decision',
    description: `Waits up to ${MAX_WAIT_S} s for the human to decide an access request. Undecided: tell the human again, then call it once more.`,
    inputSchema: closedSchema(
      {
        request: { type: 'string', description: 'Request id from airlock_request_access' },
        timeout_s: { type: 'integer', minimum: 0, maximum: MAX_WAIT_S, default: MAX_WAIT_S },
      },
      ['request'],
    ),
    outputSchema: outputSchema(
      { request: text, status: { enum: ['approved', 'pending'] }, scopes: texts, expiresAt: text, next: nextStep },
      ['request', 'status'],
    ),
    annotations: { readOnlyHint: true, destructiveHint: false, openWorldHint: false },
  },
  async run(broker, args, context) {
    onlyKnown(args, ['request', 'timeout_s']);
    const request = textOf(args, 'request');
    const granted = await waitForAccess(
      broker,
      request,
      optionalInteger(args, 'timeout_s', 0, MAX_WAIT_S) ?? MAX_WAIT_S,
      context,
    );
    if (granted === null) {
      const next = { tool: 'airlock_wait', arguments: { request } };
      return toolResult(`Request ${request} is not decided yet. Call airlock_wait again.`, { request, status: 'pending', next });
    }
    return grantedResult(granted);
  },
};
