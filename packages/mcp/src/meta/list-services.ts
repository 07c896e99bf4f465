/** `list_services`: the services of the role, how much each can do, and the skills there are. */
import { onlyKnown } from '../arguments.js';
import { outputSchema, text, texts } from '../output.js';
import { toolResult } from '../result.js';
import { skillsFor, skillLine } from '../skills/skills.js';
import { closedSchema } from '../tools/own-tool.js';
import { READS, catalogueOf, type MetaTool } from './meta-tool.js';

/** Names of operations shown for each service; the rest is found by search. */
const MAX_NAMES = 40;

const SERVICE_SCHEMA = {
  type: 'object',
  required: ['service', 'kind', 'title', 'access', 'operations', 'names'],
  properties: {
    service: text,
    kind: text,
    title: text,
    access: { type: 'boolean' },
    operations: { type: 'integer' },
    names: texts,
  },
};

export const listServicesTool: MetaTool = {
  definition: {
    name: 'list_services',
    title: 'List services',
    description:
      'Lists the services this agent may ever get, with how many operations each has, and the skills of the operator. Then search_tools or describe_tools.',
    inputSchema: closedSchema({}, []),
    outputSchema: outputSchema(
      {
        services: { type: 'array', items: SERVICE_SCHEMA },
        skills: { type: 'array', items: { type: 'object' } },
        problems: texts,
      },
      ['services', 'skills', 'problems'],
    ),
    annotations: READS,
  },
  async run(broker, args, surface) {
    onlyKnown(args, []);
    const catalogue = await catalogueOf(broker, surface);
    const services = catalogue.services.map(({ service, kind, title, operations }) => ({
      ...{ service, kind, title, access: broker.hasAccess(service), operations: operations.length },
      names: operations.slice(0, MAX_NAMES).map(({ name }) => name),
    }));
    const { skills, problems } = await skillsFor(broker);
    const answer = { services, skills: skills.map(skillLine), problems };
    return toolResult(JSON.stringify(answer, null, 2), answer);
  },
};
