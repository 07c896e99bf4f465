/**
 * JSON-RPC 2.0 messages: what a parsed frame is, and the text of what we send.
 *
 * WIRE-10 an object with exactly the members of JSON-RPC 2.0; anything else, a batch included, is refused.
 * WIRE-11 an id is a safe integer or a text of at most 64 characters.
 */
import { FrameError, LIMITS, encodeJsonText, toWireError, type AirlockError } from '@airlock/protocol';

export type RequestId = string | number;

export interface RequestMessage {
  readonly kind: 'request';
  readonly id: RequestId;
  readonly method: string;
  readonly params: unknown;
}

export interface NotificationMessage {
  readonly kind: 'notification';
  readonly method: string;
  readonly params: unknown;
}

export interface ResponseMessage {
  readonly kind: 'response';
  /** null: about the connection, not about one request (JSON-RPC 2.0 §5). */
  readonly id: RequestId | null;
  readonly result: unknown;
  readonly error: { readonly message?: unknown; readonly data?: unknown } | undefined;
}

export type Message = RequestMessage | NotificationMessage | ResponseMessage;

const invalid = (found: string, expected: string): FrameError =>
  new FrameError('FRAME_INVALID', `the frame is no JSON-RPC 2.0 message: ${found}`, false, { found, expected });

const isId = (value: unknown): value is RequestId =>
  typeof value === 'number' ? Number.isSafeInteger(value) : typeof value === 'string' && value.length <= LIMITS.maxRequestIdChars;

type Members = Readonly<Record<string, unknown>>;

/** Parameters are by name; none at all are an empty object. */
const readParams = (members: Members): unknown => {
  const params = members['params'];
  return params === undefined ? {} : params;
};

const REQUEST_MEMBERS = 'jsonrpc, id, method, params';

const readRequest = (members: Members, method: string): Message => {
  let count = 2;
  if ('params' in members) count += 1;
  const hasId = 'id' in members;
  if (hasId) count += 1;
  if (Object.keys(members).length !== count) throw invalid('an unknown member', REQUEST_MEMBERS);
  if (!hasId) return { kind: 'notification', method, params: readParams(members) };
  const id = members['id'];
  if (!isId(id))
    throw invalid('an id that is neither integer nor short text', 'a safe integer, or text of at most 64 characters');
  return { kind: 'request', id, method, params: readParams(members) };
};

const readResponse = (members: Members): ResponseMessage => {
  const { id, error } = members;
  const hasResult = Object.hasOwn(members, 'result');
  const hasError = Object.hasOwn(members, 'error');
  if (hasResult === hasError) throw invalid('neither a method nor one of result and error', REQUEST_MEMBERS);
  if (Object.keys(members).length !== 3) throw invalid('an unknown member', 'jsonrpc, id, result or error');
  if (!isId(id) && !(id === null && hasError)) throw invalid('an answer without the id of a request', 'the id of the request');
  if (!hasError) return { kind: 'response', id, result: members['result'], error: undefined };
  if (typeof error !== 'object' || error === null) throw invalid('an error that is no object', '{code, message, data}');
  return { kind: 'response', id, result: undefined, error };
};

/** @throws FrameError FRAME_INVALID; the connection may go on, for the frame could be parsed. */
export const readMessage = (value: unknown): Message => {
  if (Array.isArray(value)) throw invalid('a batch array', 'one message a line');
  if (typeof value !== 'object' || value === null) throw invalid('no object', 'an object');
  const members = value as Members;
  if (members['jsonrpc'] !== '2.0') throw invalid('no member jsonrpc with the value "2.0"', 'jsonrpc: "2.0"');
  if (!Object.hasOwn(members, 'method')) return readResponse(members);
  const method = members['method'];
  if (typeof method !== 'string') throw invalid('a method that is no text', 'method: text');
  return readRequest(members, method);
};

/** The id of a message that was refused, so that its sender can match the answer; null where it has none. */
export const idOf = (value: unknown): RequestId | null => {
  if (typeof value !== 'object' || value === null) return null;
  const id = (value as Members)['id'];
  return isId(id) ? id : null;
};

const idText = (id: RequestId | null): string => (typeof id === 'string' ? JSON.stringify(id.toWellFormed()) : String(id));

export const requestText = (id: number, method: string, params: unknown): string =>
  `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)},"params":${encodeJsonText(params)}}\n`;

export const notificationText = (method: string, params: unknown): string =>
  `{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":${encodeJsonText(params)}}\n`;

export const resultText = (id: RequestId, result: unknown): string =>
  `{"jsonrpc":"2.0","id":${idText(id)},"result":${encodeJsonText(result)}}\n`;

export const errorText = (id: RequestId | null, error: AirlockError): string =>
  `{"jsonrpc":"2.0","id":${idText(id)},"error":${encodeJsonText(toWireError(error))}}\n`;
