/** Calls of operations: choose the service, call it under whichever lease covers it, or say what to ask for. */
import { Session, call, findAgentSocket, isAirlockError, leaseStore, pendingOperation, type CallChoice } from '@airlock/client';
import { AirlockError, type CallParams, type CallResult, type Params } from '@airlock/protocol';
import type { CallToolResult } from '@modelcontextprotocol/server';
import type { Arguments } from '../arguments.js';
import type { Broker } from '../broker.js';
import type { Offer } from '../catalogue.js';
import type { CallExtras } from '../extras.js';
import { refuseLeases } from '../lease-text.js';
import { callToolResult, errorResult, upstreamToolResult, type NextStep } from '../result.js';
import { scopeOf, type OperationTool } from '../toolset.js';

/** Codes after which asking for access is what helps. */
const NEEDS_ACCESS = ['LEASE_INVALID', 'LEASE_EXPIRED', 'LEASE_REVOKED', 'LEASE_SESSION', 'LEASE_SCOPE', 'LEASE_BUDGET'] as const;

const chooseOffer = ({ offers, serviceField }: OperationTool, args: Arguments): Offer => {
  const wanted = args[serviceField];
  const [only] = offers;
  if (wanted === undefined && only !== undefined && offers.length === 1) return only;
  const chosen = offers.find(({ service }) => service === wanted);
  if (chosen !== undefined) return chosen;
  const expected = offers.map(({ service }) => service).join(', ');
  throw new AirlockError('PARAMS_INVALID', `${serviceField}: expected one of ${expected}`, {
    field: serviceField,
    expected,
    hint: `set ${serviceField} to one of ${expected}`,
  });
};

const paramsOf = (args: Arguments, serviceField: string): Arguments =>
  Object.fromEntries(Object.entries(args).filter(([name]) => name !== serviceField));

const askFor = (offer: Offer): NextStep => ({
  tool: 'airlock_request_access',
  arguments: { scopes: [scopeOf(offer)], reason: 'say in one line what for' },
});

/** An approval nobody waited for is taken up before the lack of a lease is reported. */
export const callOnce = async (broker: Broker, offer: Offer, params: Params, choice: CallChoice): Promise<CallResult> => {
  const airlock = await broker.open();
  try {
    return await airlock.call(offer.service, offer.name, params, choice);
  } catch (thrown) {
    if (!isAirlockError(thrown, ...NEEDS_ACCESS) || broker.pending.length === 0) throw thrown;
  }
  await broker.collect();
  return airlock.call(offer.service, offer.name, params, choice);
};

/** The session that this login's `airlock` commands share, in which a parent may have been granted the lease; null: none. */
const sharedSession = async ({ env, choice, client, timers }: Broker, role: string): Promise<Session | null> => {
  const resume = leaseStore({ env }).readResume(role);
  if (resume === null) return null;
  const session = await Session.open({ socket: findAgentSocket({ ...choice, role }), client, resume, timers });
  if (session.resume === resume) return session;
  session.close();
  return null;
};

/** What was parked in the shared session is that session's to ask for: `airlock_result` here would not find it. */
const elsewhere = (thrown: unknown): unknown => {
  const request = pendingOperation(thrown);
  if (request === null) return thrown;
  const { message } = thrown as AirlockError;
  return new AirlockError('APPROVAL_PENDING', message, { hint: `once the human has approved, run: airlock result ${request}` });
};

/** MCP-8: one call under a lease from elsewhere. A lease serves its own session, which may be that of this login's commands. */
export const callUnder = async (broker: Broker, offer: Offer, params: Params, { capability = '', intent }: CallExtras) => {
  const airlock = await broker.open();
  const context = intent === undefined ? {} : { context: { intent } };
  const request: CallParams = { lease: capability, service: offer.service, operation: offer.name, params, ...context };
  try {
    return await call(airlock.session, request, { isRead: offer.class === 'read' });
  } catch (thrown) {
    if (!isAirlockError(thrown, 'LEASE_SESSION')) throw thrown;
    const shared = await sharedSession(broker, airlock.role);
    if (shared === null) throw thrown;
    try {
      return await call(shared, request, { isRead: offer.class === 'read' });
    } catch (refused) {
      throw elsewhere(refused);
    } finally {
      shared.close();
    }
  }
};

const pendingNote = (broker: Broker, thrown: AirlockError): NextStep | undefined => {
  const [first] = broker.pending;
  return first === undefined || thrown.code === 'LEASE_BUDGET'
    ? undefined
    : { tool: 'airlock_wait', arguments: { request: first.request } };
};

/** A refusal as a tool's result, with what to do next. */
export const refusal = (broker: Broker, offer: Offer, thrown: unknown, extras: CallExtras): CallToolResult => {
  const waiting = pendingOperation(thrown);
  if (waiting !== null) {
    const { structuredContent, ...rest } = errorResult(thrown, { tool: 'airlock_result', arguments: { request: waiting } });
    return { ...rest, structuredContent: { service: offer.service, operation: offer.name, ...(structuredContent as object) } };
  }
  if (isAirlockError(thrown, 'SERVICE_UNKNOWN', 'OPERATION_UNKNOWN')) broker.forgetCatalogue();
  if (!isAirlockError(thrown, ...NEEDS_ACCESS)) return errorResult(thrown);
  const next = (extras.capability === undefined ? pendingNote(broker, thrown) : undefined) ?? askFor(offer);
  const hint =
    next.tool === 'airlock_wait'
      ? 'the human has not decided yet: call airlock_wait'
      : `call airlock_request_access with scopes ["${scopeOf(offer)}"]`;
  const which = extras.capability === undefined ? '' : 'the lease in _capability was refused; leave it out and ';
  return errorResult(new AirlockError(thrown.code, thrown.message, { ...thrown.data, hint: which + hint }), next);
};

/** A tool of an upstream MCP server, which answers with content blocks; `mcp_…` are operations of the connector. */
const isUpstream = async (broker: Broker, { service, name }: Offer): Promise<boolean> =>
  !name.startsWith('mcp_') && ['mcp', 'mcp-url'].includes((await broker.kindOf(service)) ?? '');

/** How the call is made: NET-9 it can be cancelled; NET-12 only an upstream server has anything to tell while it runs. */
const choiceOf = async (broker: Broker, offer: Offer, { intent, signal, exchange }: CallExtras): Promise<CallChoice> =>
  exchange !== undefined && (await isUpstream(broker, offer)) ? { intent, signal, exchange } : { intent, signal };

/** One call of an operation. Answers at once, whatever happens. @throws AirlockError PARAMS_INVALID for a lease among the parameters. */
export const callOffer = async (broker: Broker, offer: Offer, params: Arguments, extras: CallExtras): Promise<CallToolResult> => {
  refuseLeases(params);
  try {
    const { result, meta } = await (extras.capability === undefined
      ? callOnce(broker, offer, params as Params, await choiceOf(broker, offer, extras))
      : callUnder(broker, offer, params as Params, extras));
    const outcome = { service: offer.service, operation: offer.name, untrusted: offer.untrusted, result, meta };
    return (await isUpstream(broker, offer)) ? upstreamToolResult(outcome) : callToolResult(outcome);
  } catch (thrown) {
    return refusal(broker, offer, thrown, extras);
  }
};

/** Answers at once, whatever happens. @throws AirlockError PARAMS_INVALID where no service is chosen. */
export const runOperation = async (
  broker: Broker,
  tool: OperationTool,
  args: Arguments,
  extras: CallExtras,
): Promise<CallToolResult> => callOffer(broker, chooseOffer(tool, args), paramsOf(args, tool.serviceField), extras);
