/** `airlock_status`: the role, what it may get, what it has, what waits. */
import { onlyKnown } from '../arguments.js';
import { toolResult } from '../result.js';
import { closedSchema, type OwnTool } from './own-tool.js';

export const statusTool: OwnTool = {
  definition: {
    name: 'airlock_status',
    description:
      'Shows which services exist, which leases are live until when, which access requests wait for the human, and which grants can be claimed.',
    inputSchema: closedSchema({}, []),
    annotations: { readOnlyHint: true, destructiveHint: false, openWorldHint: false },
  },
  async run(broker, args) {
    onlyKnown(args, []);
    const airlock = await broker.open();
    await broker.collect();
    const [status, services] = await Promise.all([airlock.status(), airlock.services()]);
    const answer = { ...status, services };
    return toolResult(JSON.stringify(answer, null, 2), answer);
  },
};
