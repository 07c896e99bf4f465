/** Parameters of OAuth requests: each once, of a bounded length, from a query or a form. */
import type { IncomingMessage } from 'node:http';
import { headerValues, readBody } from '../net/node-http.js';
import { OAuthProblem } from './problem.js';

const MAX_FORM_BYTES = 16 * 1024;
const MAX_VALUE_CHARS = 2048;

export type Fields = ReadonlyMap<string, string>;

/** RFC 6749 §3.1: no parameter twice. @throws OAuthProblem invalid_request */
export const fieldsOf = (text: string): Fields => {
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (fields.has(name)) throw new OAuthProblem('invalid_request', 'a parameter was sent twice');
    if (value.length > MAX_VALUE_CHARS)
      throw new OAuthProblem('invalid_request', `a parameter has more than ${MAX_VALUE_CHARS} characters`);
    fields.set(name, value);
  }
  return fields;
};

const typeOf = (req: IncomingMessage): string =>
  (headerValues(req, 'content-type')[0] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';

/** The body as text of one media type. @throws OAuthProblem invalid_request */
export const bodyOf = async (req: IncomingMessage, type: string): Promise<string> => {
  if (typeOf(req) !== type) throw new OAuthProblem('invalid_request', `expected content-type ${type}`, 415);
  const bytes = await readBody(req, MAX_FORM_BYTES);
  if (bytes === null) throw new OAuthProblem('invalid_request', `expected at most ${MAX_FORM_BYTES} bytes`, 413);
  return bytes.toString('utf8');
};

export const formOf = async (req: IncomingMessage): Promise<Fields> =>
  fieldsOf(await bodyOf(req, 'application/x-www-form-urlencoded'));

/** @throws OAuthProblem invalid_request naming the parameter */
export const required = (fields: Fields, name: string): string => {
  const value = fields.get(name);
  if (value === undefined || value === '') throw new OAuthProblem('invalid_request', `${name} is missing`);
  return value;
};
