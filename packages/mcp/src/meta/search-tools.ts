/** `search_tools`: operations by words, best first. */
import { toolsSearch } from '@airlock/client';
import { onlyKnown, textOf } from '../arguments.js';
import { outputSchema } from '../output.js';
import { toolResult } from '../result.js';
import { closedSchema } from '../tools/own-tool.js';
import { LISTED_SCHEMA, listed, toolNames } from './described.js';
import { READS, catalogueOf, type MetaTool } from './meta-tool.js';

export const searchToolsTool: MetaTool = {
  definition: {
    name: 'search_tools',
    title: 'Search operations',
    description: 'Finds operations of the services by words, best first, at most 20. Then describe_tools for their parameters.',
    inputSchema: closedSchema(
      { query: { type: 'string', minLength: 1, maxLength: 256, description: 'Words, e.g. "unread mail"' } },
      ['query'],
    ),
    outputSchema: outputSchema({ tools: { type: 'array', items: LISTED_SCHEMA } }, ['tools']),
    annotations: READS,
  },
  async run(broker, args, surface) {
    onlyKnown(args, ['query']);
    const names = toolNames(await catalogueOf(broker, surface));
    const found = await toolsSearch((await broker.open()).session, textOf(args, 'query'));
    const tools = found.filter(({ service, name }) => names.has(`${service}.${name}`)).map((one) => listed(broker, names, one));
    const answer = { tools };
    const told = tools.length === 0 ? 'Nothing found. Try other words, or list_services.\n' : '';
    return toolResult(told + JSON.stringify(answer, null, 2), answer);
  },
};
