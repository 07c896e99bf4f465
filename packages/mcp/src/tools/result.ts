/** `airlock_result`: waits for the outcome of an operation that needs an approval of its own. */
import { accessWait, callResult } from '@airlock/client';
import { onlyKnown, optionalInteger, textOf } from '../arguments.js';
import { nextStep, outputSchema, text } from '../output.js';
import { errorResult, toolResult, outcomeText } from '../result.js';
import { closedSchema, type OwnTool } from './own-tool.js';
import { isAirlockError } from '@airlock/client';

/** MCP clients give up after 60 s by default. */
const MAX_WAIT_S = 50;

export const resultTool: OwnTool = {
  definition: {
    name: 'airlock_result',
    title: 'Outcome of an approved operation',
    description: `Outcome of an operation that the human has to approve by itself: waits up to ${MAX_WAIT_S} s for decision and outcome. It runs once, however often this is called; never call the operation again meanwhile.`,
    inputSchema: closedSchema(
      {
        request: { type: 'string', description: 'Request id from the error APPROVAL_PENDING' },
        timeout_s: { type: 'integer', minimum: 0, maximum: MAX_WAIT_S, default: MAX_WAIT_S },
      },
      ['request'],
    ),
    outputSchema: outputSchema(
      { request: text, status: { const: 'pending' }, result: {}, meta: { type: 'object' }, next: nextStep },
      ['request'],
    ),
    annotations: { readOnlyHint: true, destructiveHint: false, openWorldHint: false },
  },
  async run(broker, args) {
    onlyKnown(args, ['request', 'timeout_s']);
    const request = textOf(args, 'request');
    const { session } = await broker.open();
    const { status } = await accessWait(session, request, optionalInteger(args, 'timeout_s', 0, MAX_WAIT_S) ?? MAX_WAIT_S);
    if (status === 'pending')
      return toolResult(`Request ${request} is not decided yet. Tell the human again, then call airlock_result once more.`, {
        request,
        status,
        next: { tool: 'airlock_result', arguments: { request } },
      });
    try {
      const { result, meta } = await callResult(session, request);
      return toolResult(outcomeText(result), { request, result, meta });
    } catch (thrown) {
      if (!isAirlockError(thrown, 'APPROVAL_PENDING')) throw thrown;
      return errorResult(thrown, { tool: 'airlock_result', arguments: { request } });
    }
  },
};
