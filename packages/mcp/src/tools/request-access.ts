/** `airlock_request_access`: asks the human and answers at once; nobody waits for a decision here. */
import { accessRequest, accessStatus, coveringGrant, type AgentGrant } from '@airlock/client';
import { AirlockError, type AccessRequestParams, type Constraints } from '@airlock/protocol';
import type { CallToolResult } from '@modelcontextprotocol/server';
import { onlyKnown, optionalInteger, optionalText, textOf, textsOf, type Arguments } from '../arguments.js';
import { nextStep, outputSchema, text, texts } from '../output.js';
import { toolResult } from '../result.js';
import { closedSchema, type OwnTool } from './own-tool.js';

/** A day, as the protocol has it (`ttlS ≤ 86400`); the operator's configuration allows less. */
const MAX_TTL_MINUTES = 1440;

/** Which keys and values there are is the gateway's to say. @throws AirlockError PARAMS_INVALID */
const constraintsOf = ({ constraints }: Arguments): Constraints | undefined => {
  if (constraints === undefined) return undefined;
  if (typeof constraints === 'object' && constraints !== null && !Array.isArray(constraints)) return constraints as Constraints;
  throw new AirlockError('PARAMS_INVALID', 'constraints: expected an object', { field: 'constraints', expected: 'an object' });
};

const paramsOf = (args: Arguments): AccessRequestParams => {
  const intent = optionalText(args, 'intent');
  const minutes = optionalInteger(args, 'ttl_minutes', 1, MAX_TTL_MINUTES);
  const renew = optionalText(args, 'renew');
  const constraints = constraintsOf(args);
  return {
    ...(renew !== undefined && args['scopes'] === undefined ? {} : { scopes: textsOf(args, 'scopes') }),
    ...(renew === undefined ? {} : { renew }),
    reason: textOf(args, 'reason'),
    ...(intent === undefined ? {} : { intent }),
    ...(constraints === undefined ? {} : { constraints }),
    ...(minutes === undefined ? {} : { ttlS: minutes * 60 }),
  };
};

const sayToHuman = (request: string, match: string): string =>
  `Airlock request ${request}, match number ${match}: please run "airlock-ctl approve" (or answer on your phone with this match number).`;

/** The human need not be asked for what was granted before. */
const grantedAlready = (grant: AgentGrant): CallToolResult => {
  const next = { tool: 'airlock_claim', arguments: { grant: grant.id } };
  const told = `The human has granted this already: ${grant.scopes.join(', ')} until ${grant.expiresAt}. Nobody was asked. Call airlock_claim {"grant": "${grant.id}"}.`;
  return toolResult(told, { status: 'granted', grant, next });
};

export const requestAccessTool: OwnTool = {
  definition: {
    name: 'airlock_request_access',
    title: 'Ask the human for access',
    description:
      'Asks the human for access to services for a while. Answers at once with a request id and a match number: tell both to the human, then call airlock_wait. Never ask the human for a code, and never send one.',
    inputSchema: closedSchema(
      {
        scopes: {
          type: 'array',
          minItems: 1,
          maxItems: 16,
          items: { type: 'string' },
          description:
            'service:class[:operation], class read, use or write; e.g. gmail:read. Ask for as little as the task needs.',
        },
        reason: {
          type: 'string',
          minLength: 1,
          maxLength: 140,
          description: 'Why, in one line; the human sees it as your words',
        },
        intent: { type: 'string', minLength: 1, maxLength: 2048, description: 'The task; binds the lease to it' },
        renew: {
          type: 'string',
          description:
            'Id of a live lease (airlock_status) that this one is to follow: the human sees what changes; without scopes the same ones',
        },
        constraints: {
          type: 'object',
          description:
            'Limits to ask for: calls and bytes of results (numbers), maxRisk (thousandths), and where operations declare them folders (names), senders (addresses), domains, calendars (ids), since and before (YYYY-MM-DD) and maxResults (items per call); the human sees them',
        },
        ttl_minutes: { type: 'integer', minimum: 1, maximum: MAX_TTL_MINUTES, description: 'For how long' },
      },
      ['reason'],
    ),
    outputSchema: outputSchema(
      {
        status: { enum: ['pending', 'granted', 'approved'] },
        request: text,
        match: text,
        position: { type: 'integer' },
        expiresAt: text,
        pollIntervalS: { type: 'number' },
        tellTheHuman: text,
        scopes: texts,
        grant: { type: 'object' },
        next: nextStep,
      },
      ['status'],
    ),
    annotations: { readOnlyHint: false, destructiveHint: false, openWorldHint: false },
  },
  async run(broker, args) {
    onlyKnown(args, ['scopes', 'reason', 'intent', 'ttl_minutes', 'renew', 'constraints']);
    const params = paramsOf(args);
    const { session } = await broker.open();
    const grant = coveringGrant((await accessStatus(session)).grants, params.scopes ?? [], params.intent);
    if (grant !== null) return grantedAlready(grant);
    const asked = await accessRequest(session, params);
    broker.remember({ ...asked, scopes: params.scopes ?? [], intent: params.intent });
    const tellTheHuman = sayToHuman(asked.request, asked.match);
    const next = { tool: 'airlock_wait', arguments: { request: asked.request } };
    const told = `The human has to decide. Tell them: ${tellTheHuman}\nThen call airlock_wait {"request": "${asked.request}"}.`;
    return toolResult(told, { ...asked, tellTheHuman, next });
  },
};
