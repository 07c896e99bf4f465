/** `execute_tool`: one operation by name, the same way and with the same refusals as its own tool. */
import { AirlockError } from '@airlock/protocol';
import { onlyKnown, textOf, type Arguments } from '../arguments.js';
import type { Catalogue, Offer } from '../catalogue.js';
import { takeExtras } from '../extras.js';
import { outputSchema, text } from '../output.js';
import { callOffer } from '../tools/operation.js';
import { closedSchema } from '../tools/own-tool.js';
import { catalogueOf, type MetaTool } from './meta-tool.js';

const parametersOf = ({ arguments: given = {} }: Arguments): Arguments => {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as Arguments;
  throw new AirlockError('PARAMS_INVALID', 'arguments: expected an object', {
    ...{ field: 'arguments', expected: 'an object', found: typeof given, hint: 'put the parameters of the operation there' },
  });
};

/** @throws AirlockError SERVICE_UNKNOWN, OPERATION_UNKNOWN with what there is */
const offerOf = ({ services, entries }: Catalogue, service: string, operation: string): Offer => {
  const operations = services.find((one) => one.service === service)?.operations;
  if (operations === undefined)
    throw new AirlockError('SERVICE_UNKNOWN', 'there is no service of this name', {
      ...{ field: 'service', expected: services.map((one) => one.service).join(', ') || 'none', hint: 'use list_services' },
    });
  const found = operations.find(({ name, tool }) => name === operation || tool === operation);
  if (found !== undefined) return { ...found, service };
  const named = entries.get(operation)?.offers.find((offer) => offer.service === service);
  if (named !== undefined) return named;
  throw new AirlockError('OPERATION_UNKNOWN', `${service} has no operation of this name`, {
    field: 'operation',
    expected: operations
      .slice(0, 64)
      .map(({ name }) => name)
      .join(', '),
    hint: 'use search_tools or list_services',
  });
};

export const executeToolTool: MetaTool = {
  definition: {
    name: 'execute_tool',
    title: 'Run an operation',
    description:
      'Runs one operation of a service with its parameters (describe_tools). The same approvals and refusals as with the tool of the operation.',
    inputSchema: closedSchema(
      {
        service: { type: 'string', minLength: 1, maxLength: 64 },
        operation: { type: 'string', minLength: 1, maxLength: 128 },
        arguments: { type: 'object', description: 'Parameters of the operation' },
        _capability: { type: 'string', description: 'A lease from elsewhere, for this call alone; usually left out' },
        _context: { type: 'object', description: '{"intent": "the task"}, where the lease is bound to one' },
      },
      ['service', 'operation'],
    ),
    outputSchema: outputSchema(
      { service: text, operation: text, untrusted: { type: 'boolean' }, result: {}, meta: { type: 'object' }, request: text },
      ['service', 'operation', 'untrusted', 'result', 'meta'],
    ),
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
  },
  async run(broker, args, surface, extras) {
    onlyKnown(args, ['service', 'operation', 'arguments']);
    const [service, operation] = [textOf(args, 'service'), textOf(args, 'operation')];
    const inner = takeExtras(parametersOf(args));
    const chosen = inner.extras.capability ?? inner.extras.intent ?? null;
    const offer = offerOf(await catalogueOf(broker, surface), service, operation);
    return callOffer(broker, offer, inner.args, chosen === null ? extras : { ...extras, ...inner.extras });
  },
};
