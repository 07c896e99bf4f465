/** `airlock_claim`: takes up what the operator granted unasked. */
import { onlyKnown, optionalText } from '../arguments.js';
import { outputSchema, text, texts } from '../output.js';
import { toolResult } from '../result.js';
import { closedSchema, type OwnTool } from './own-tool.js';

export const claimTool: OwnTool = {
  definition: {
    name: 'airlock_claim',
    title: 'Claim a grant',
    description:
      'Takes up access that the human granted without being asked. airlock_status lists such grants; each can be claimed once.',
    inputSchema: closedSchema(
      { grant: { type: 'string', description: 'Id of the grant; may be left out where there is only one' } },
      [],
    ),
    outputSchema: outputSchema({ scopes: texts, expiresAt: text }, ['scopes', 'expiresAt']),
    annotations: { readOnlyHint: false, destructiveHint: false, openWorldHint: false },
  },
  async run(broker, args) {
    onlyKnown(args, ['grant']);
    const granted = await broker.claim(optionalText(args, 'grant'));
    return toolResult(`Claimed: ${granted.scopes.join(', ')} until ${granted.expiresAt}.`, { ...granted });
  },
};
