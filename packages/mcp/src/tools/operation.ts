/** The tools of operations: choose the service, call it under whichever lease covers it, or say what to ask for. */
import { isAirlockError, pendingOperation } from '@airlock/client';
import { AirlockError, type CallResult, type Params, type ToolDescription } from '@airlock/protocol';
import type { CallToolResult } from '@modelcontextprotocol/server';
import type { Arguments } from '../arguments.js';
import type { Broker } from '../broker.js';
import { callToolResult, errorResult, type NextStep } from '../result.js';
import { scopeOf, type OperationTool } from '../toolset.js';

/** Codes after which asking for access is what helps. */
const NEEDS_ACCESS = ['LEASE_INVALID', 'LEASE_EXPIRED', 'LEASE_REVOKED', 'LEASE_SESSION', 'LEASE_SCOPE', 'LEASE_BUDGET'] as const;

const chooseOffer = ({ offers, serviceField }: OperationTool, args: Arguments): ToolDescription => {
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

const paramsOf = (args: Arguments, serviceField: string): Params =>
  Object.fromEntries(Object.entries(args).filter(([name]) => name !== serviceField)) as Params;

const askFor = (offer: ToolDescription): NextStep => ({
  tool: 'airlock_request_access',
  arguments: { scopes: [scopeOf(offer)], reason: 'say in one line what for' },
});

/** An approval nobody waited for is taken up before the lack of a lease is reported. */
const callOnce = async (broker: Broker, offer: ToolDescription, params: Params): Promise<CallResult> => {
  const airlock = await broker.open();
  try {
    return await airlock.call(offer.service, offer.name, params);
  } catch (thrown) {
    if (!isAirlockError(thrown, ...NEEDS_ACCESS) || broker.pending.length === 0) throw thrown;
  }
  await broker.collect();
  return airlock.call(offer.service, offer.name, params);
};

const pendingNote = (broker: Broker, thrown: AirlockError): NextStep | undefined => {
  const [first] = broker.pending;
  return first === undefined || thrown.code === 'LEASE_BUDGET'
    ? undefined
    : { tool: 'airlock_wait', arguments: { request: first.request } };
};

const refusal = (broker: Broker, offer: ToolDescription, thrown: unknown): CallToolResult => {
  const waiting = pendingOperation(thrown);
  if (waiting !== null) return errorResult(thrown, { tool: 'airlock_result', arguments: { request: waiting } });
  if (!isAirlockError(thrown, ...NEEDS_ACCESS)) return errorResult(thrown);
  const next = pendingNote(broker, thrown) ?? askFor(offer);
  const hint =
    next.tool === 'airlock_wait'
      ? 'the human has not decided yet: call airlock_wait'
      : `call airlock_request_access with scopes ["${scopeOf(offer)}"]`;
  return errorResult(new AirlockError(thrown.code, thrown.message, { ...thrown.data, hint }), next);
};

/** Answers at once, whatever happens. @throws AirlockError PARAMS_INVALID where no service is chosen. */
export const runOperation = async (broker: Broker, tool: OperationTool, args: Arguments): Promise<CallToolResult> => {
  const offer = chooseOffer(tool, args);
  try {
    const { result, meta } = await callOnce(broker, offer, paramsOf(args, tool.serviceField));
    return callToolResult({ service: offer.service, operation: offer.name, untrusted: offer.untrusted, result, meta });
  } catch (thrown) {
    return refusal(broker, offer, thrown);
  }
};
