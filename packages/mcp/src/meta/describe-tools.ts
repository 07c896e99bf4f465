/** `describe_tools`: parameters and results of operations, by `service.operation` or by the names of their tools. */
import { AirlockError } from '@airlock/protocol';
import { onlyKnown, textsOf } from '../arguments.js';
import { describeAll, fullName, type Catalogue } from '../catalogue.js';
import { outputSchema, texts } from '../output.js';
import { toolResult } from '../result.js';
import { closedSchema } from '../tools/own-tool.js';
import { DESCRIBED_SCHEMA, describedWithin, toolNames } from './described.js';
import { READS, catalogueOf, type MetaTool } from './meta-tool.js';

const MAX_NAMES = 64;

/** `service.operation` of what a name means: one, or one for each service that has the tool. */
const namesOf = (catalogue: Catalogue, known: ReadonlyMap<string, string>, name: string): readonly string[] => {
  if (known.has(name)) return [name];
  const offers = catalogue.entries.get(name)?.offers;
  if (offers !== undefined) return offers.map(fullName);
  throw new AirlockError('OPERATION_UNKNOWN', 'there is no operation of this name', {
    field: 'names',
    expected: 'service.operation, or the name of a tool',
    hint: 'use list_services or search_tools',
  });
};

export const describeToolsTool: MetaTool = {
  definition: {
    name: 'describe_tools',
    title: 'Describe operations',
    description:
      'Parameters and results (JSON Schema) of operations, named service.operation or by their tool. Then call the tool, or execute_tool.',
    inputSchema: closedSchema(
      {
        names: {
          type: 'array',
          minItems: 1,
          maxItems: MAX_NAMES,
          items: { type: 'string', maxLength: 200 },
          description: 'e.g. ["gmail.search", "airlock_calendar_today"]',
        },
      },
      ['names'],
    ),
    outputSchema: outputSchema({ tools: { type: 'array', items: DESCRIBED_SCHEMA }, omitted: texts }, ['tools', 'omitted']),
    annotations: READS,
  },
  async run(broker, args, surface) {
    onlyKnown(args, ['names']);
    const asked = textsOf(args, 'names');
    if (asked.length > MAX_NAMES)
      throw new AirlockError('PARAMS_INVALID', `names: expected at most ${MAX_NAMES}, found ${asked.length}`, {
        ...{ field: 'names', expected: `at most ${MAX_NAMES} names`, found: String(asked.length), hint: 'ask in several calls' },
      });
    const catalogue = await catalogueOf(broker, surface);
    const known = toolNames(catalogue);
    const wanted = [...new Set(asked.flatMap((name) => namesOf(catalogue, known, name)))];
    const answer = describedWithin(broker, known, await describeAll(await broker.open(), wanted));
    const told = answer.omitted.length === 0 ? '' : `Too much for one answer; ask again for: ${answer.omitted.join(', ')}\n`;
    return toolResult(told + JSON.stringify(answer, null, 2), answer);
  },
};
