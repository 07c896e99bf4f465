/** A refusal as the JSON-RPC error it is for a client: the upstream's own where it is a quotation of one, else Airlock's. */
import { MissingRequiredClientCapabilityError, ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import { asAirlockError, type AirlockError, type ErrorData } from '@airlock/protocol';
import type { Members } from './calls.js';

/** How the connector quotes a JSON-RPC error (docs/spec/upstream.md). */
const QUOTED = /^rpc (-?\d{1,10}): ([\s\S]*)$/;
/** JSON-RPC 2.0 keeps these for itself; MCP took some of them. */
const RESERVED = { from: -32768, to: -32000 };
const METHOD_NOT_FOUND = -32601;
const MISSING_CAPABILITY = -32021;
/** Of 2025-11-25; 2026-07-28 says Invalid params. */
const RESOURCE_NOT_FOUND = -32002;
const PASSED_ON = [METHOD_NOT_FOUND, -32602, -32603, RESOURCE_NOT_FOUND];
const CAPABILITIES = ['sampling', 'elicitation', 'roots'];

const about = ({ code, hint, retry, field, expected, retryAfterMs }: ErrorData): Members => ({
  code,
  hint,
  retry,
  ...(field === undefined ? {} : { field }),
  ...(expected === undefined ? {} : { expected }),
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});

export interface Quoted {
  readonly code: number;
  readonly message: string;
}

/** The JSON-RPC error of the upstream that a refusal quotes; null where it is a refusal of our own. */
export const quotedError = ({ data }: AirlockError): Quoted | null => {
  const match = data.code === 'UPSTREAM_REFUSED' ? QUOTED.exec(data.found ?? '') : null;
  return match === null ? null : { code: Number(match[1]), message: match[2] ?? '' };
};

export const isMethodNotFound = (thrown: unknown): boolean => quotedError(asAirlockError(thrown))?.code === METHOD_NOT_FOUND;

/** An upstream cannot make us say what only the carrier of a message may say, such as that a revision is not spoken. */
const safeCode = (code: number): number => {
  const isReserved = code >= RESERVED.from && code <= RESERVED.to;
  return !isReserved || PASSED_ON.includes(code) ? code : ProtocolErrorCode.InternalError;
};

const missingCapability = (message: string, { expected = '' }: ErrorData): ProtocolError => {
  const named = CAPABILITIES.filter((name) => expected.split(/\W+/).includes(name));
  const required = Object.fromEntries(named.map((name) => [name, {}]));
  return new MissingRequiredClientCapabilityError({ requiredCapabilities: required }, message);
};

/** @param request what was asked, for the errors that repeat it. */
export const protocolError = (thrown: unknown, request: { readonly uri?: string | undefined } = {}): ProtocolError => {
  if (thrown instanceof ProtocolError) return thrown;
  const error = asAirlockError(thrown);
  const quoted = quotedError(error);
  if (quoted?.code === MISSING_CAPABILITY) return missingCapability(quoted.message, error.data);
  if (quoted !== null) {
    const data = { ...about(error.data), ...(request.uri === undefined ? {} : { uri: request.uri }) };
    return new ProtocolError(safeCode(quoted.code), quoted.message, data);
  }
  const code = error.data.code === 'PARAMS_INVALID' ? ProtocolErrorCode.InvalidParams : ProtocolErrorCode.InternalError;
  return new ProtocolError(code, `${error.data.code}: ${error.message}`, about(error.data));
};
