/** `airlock_narrow_lease`: gives up part of an access at once, without asking anybody; the lease itself is never told. */
import { ENFORCED_CONSTRAINTS, type Constraints, type Narrowing } from '@airlock/client';
import { AirlockError } from '@airlock/protocol';
import { onlyKnown, optionalInteger, optionalText, textsOf, type Arguments } from '../arguments.js';
import { outputSchema, text, texts } from '../output.js';
import { toolResult } from '../result.js';
import { closedSchema, type OwnTool } from './own-tool.js';

const MAX_TTL_MINUTES = 1440;
const MAX_COUNT = 1_000_000_000;
const FIELDS = ['lease', 'scopes', 'ttl_minutes', 'calls', 'bytes', 'constraints'] as const;

const wrong = (field: string, expected: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', `${field}: expected ${expected}`, { field, expected, hint: `set ${field} to ${expected}` });

/** Those of the constraints that are no counts. @throws AirlockError PARAMS_INVALID */
const constraintsOf = ({ constraints }: Arguments): Constraints | undefined => {
  if (constraints === undefined) return undefined;
  if (typeof constraints !== 'object' || constraints === null || Array.isArray(constraints))
    throw wrong('constraints', 'an object');
  const allowed = ENFORCED_CONSTRAINTS.filter((name) => name !== 'calls' && name !== 'bytes');
  const stray = Object.keys(constraints).find((name) => !allowed.includes(name));
  if (stray !== undefined) throw wrong(`constraints.${stray.slice(0, 80)}`, `one of ${allowed.join(', ')}`);
  return constraints as Constraints;
};

const narrowingOf = (args: Arguments): Narrowing => {
  const minutes = optionalInteger(args, 'ttl_minutes', 1, MAX_TTL_MINUTES);
  return {
    scopes: args['scopes'] === undefined ? undefined : textsOf(args, 'scopes'),
    ttlS: minutes === undefined ? undefined : minutes * 60,
    calls: optionalInteger(args, 'calls', 1, MAX_COUNT),
    bytes: optionalInteger(args, 'bytes', 1, MAX_COUNT),
    constraints: constraintsOf(args),
  };
};

export const narrowLeaseTool: OwnTool = {
  definition: {
    name: 'airlock_narrow_lease',
    title: 'Give up part of an access',
    description:
      'Gives up part of the access granted here, at once and for good: fewer scopes, an earlier end, at most so many calls or bytes, only some folders or senders. Nobody is asked. Do it before reading what others wrote.',
    inputSchema: closedSchema(
      {
        lease: { type: 'string', description: 'Id of the lease (airlock_status); may be left out where there is only one' },
        scopes: { type: 'array', minItems: 1, maxItems: 16, items: { type: 'string' }, description: 'Those to keep' },
        ttl_minutes: { type: 'integer', minimum: 1, maximum: MAX_TTL_MINUTES, description: 'End it after this long' },
        calls: { type: 'integer', minimum: 1, maximum: MAX_COUNT, description: 'At most so many calls' },
        bytes: { type: 'integer', minimum: 1, maximum: MAX_COUNT, description: 'At most so many bytes of results' },
        constraints: {
          type: 'object',
          description:
            'folders, senders, domains, calendars (lists), since and before (YYYY-MM-DD), maxResults, maxRisk (thousandths)',
        },
      },
      [],
    ),
    outputSchema: outputSchema({ lease: text, scopes: texts, expiresAt: text }, ['lease', 'scopes', 'expiresAt']),
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  },
  async run(broker, args) {
    onlyKnown(args, FIELDS);
    const { id, scopes, expiresAt } = await broker.narrow(optionalText(args, 'lease'), narrowingOf(args));
    return toolResult(`Narrowed: ${scopes.join(', ')} until ${expiresAt}.`, { lease: id, scopes, expiresAt });
  },
};
