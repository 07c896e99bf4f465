/**
 * What a server may ask of a client, and who answers it.
 *
 * UPSTREAM-9  Nobody is asked what their client did not declare.
 */
import type { Json } from '@airlock/protocol';
import { isMembers, type Caller, type Members } from './contract.js';
import { carried } from './message.js';
import { METHOD_NOT_FOUND } from './transport.js';

type Body = { readonly result: Json } | { readonly error: { readonly code: number; readonly message: string } };

const CAPABILITY: Readonly<Record<string, string>> = {
  'sampling/createMessage': 'sampling',
  'elicitation/create': 'elicitation',
  'roots/list': 'roots',
};

/** Whether the caller's client can be asked this. */
export const canAnswer = (method: string, caller: Caller): boolean => {
  const capability = CAPABILITY[method];
  return capability !== undefined && Object.hasOwn(caller.capabilities, capability);
};

const INTERNAL_ERROR = -32603;

/** The client's own refusal where there is one: an error of the cell is known by its name. */
const refusalOf = (thrown: unknown): { readonly code: number; readonly message: string } => {
  const rpc = thrown instanceof Error && 'rpc' in thrown ? thrown.rpc : undefined;
  const { code, message } = isMembers(rpc) ? rpc : {};
  return typeof code === 'number' && typeof message === 'string'
    ? { code, message }
    : { code: INTERNAL_ERROR, message: 'the client did not answer it' };
};

export const answerRequest = async (method: string, params: Members, caller: Caller | null): Promise<Body> => {
  if (method === 'ping') return { result: {} };
  if (caller === null || !canAnswer(method, caller)) {
    return { error: { code: METHOD_NOT_FOUND, message: 'the client of this call does not support it' } };
  }
  try {
    return { result: await caller.exchange.ask(method, carried(params)) };
  } catch (thrown) {
    return { error: refusalOf(thrown) };
  }
};
