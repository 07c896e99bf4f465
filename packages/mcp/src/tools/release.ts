/** `airlock_release`: gives back every lease of this server. */
import { onlyKnown } from '../arguments.js';
import { outputSchema } from '../output.js';
import { toolResult } from '../result.js';
import { closedSchema, type OwnTool } from './own-tool.js';

export const releaseTool: OwnTool = {
  definition: {
    name: 'airlock_release',
    title: 'Give back access',
    description: 'Ends all access that was granted here. Call it when the task is done.',
    inputSchema: closedSchema({}, []),
    outputSchema: outputSchema({ released: { type: 'integer' } }, ['released']),
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  },
  async run(broker, args) {
    onlyKnown(args, []);
    const released = await broker.releaseAll();
    return toolResult(released === 0 ? 'There was no live lease.' : `Released ${released} lease(s).`, { released });
  },
};
