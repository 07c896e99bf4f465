/**
 * From a declaration and the parameters of a call to the request that is sent. Pure.
 *
 * HTTP-2  A parameter fills one segment of a path, one value of a query, one header value or one place of a body; it cannot leave it.
 * HTTP-3  The credential goes where the declaration says, is not taken from parameters, and cannot be overwritten by them.
 */
import { AirlockError, type Credential, type Json, type Params } from '@airlock/protocol';
import type { EgressRequest } from '@airlock/egress';
import type { Declaration } from './declaration.js';

type Filled = Pick<EgressRequest, 'method' | 'url' | 'headers'> & { readonly body?: string; readonly secret: boolean };

const PLACE = /\{([A-Za-z][A-Za-z0-9_]*)\}/g;
const WHOLE = /^\{([A-Za-z][A-Za-z0-9_]*)\}$/;

const wrong = (name: string, expected: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', `params.${name}: expected ${expected}`, { field: `params.${name}`, expected });

const isScalar = (value: Json): value is string | number | boolean => ['string', 'number', 'boolean'].includes(typeof value);

/** Numbers as JSON writes them; null where the parameter is not there. A list is its values with commas. */
const textOf = (name: string, params: Params): string | null => {
  const value = Object.hasOwn(params, name) ? (params[name] ?? null) : null;
  if (value === null) return null;
  if (Array.isArray(value) && value.every(isScalar)) return value.map(String).join(',');
  if (!isScalar(value)) throw wrong(name, 'text, a number, a boolean or a list of them');
  return String(value);
};

/** The template with its places filled; null where one of them has nothing to be filled with. */
const fillText = (template: string, params: Params, encode: (text: string, name: string) => string): string | null => {
  const places = [...template.matchAll(PLACE)].map(([, name = '']) => name);
  if (places.some((name) => textOf(name, params) === null)) return null;
  return template.replace(PLACE, (_, name: string) => encode(textOf(name, params) ?? '', name));
};

const plain = (text: string): string => text;

/** `.` and `..` mean another path even where they are encoded (URL standard, path state). */
const segment = (text: string, name: string): string => {
  if (/^(?:\.{0,2})$/.test(text)) throw wrong(name, 'a name that is neither empty nor made of dots');
  return encodeURIComponent(text);
};

const missing = (declaration: Declaration): AirlockError =>
  new AirlockError('PARAMS_INVALID', 'a parameter is missing that the request needs', { expected: declaration.where.template });

const baseUrl = (declaration: Declaration, params: Params, origin: string): URL => {
  const { kind, template } = declaration.where;
  const text = fillText(template, params, kind === 'path' ? segment : plain);
  if (text === null) throw missing(declaration);
  const url = kind === 'path' ? `${origin}${text}` : text;
  if (URL.canParse(url)) return new URL(url);
  throw wrong('url', 'an absolute URL');
};

const fillQuery = (url: URL, query: Readonly<Record<string, Json>>, params: Params): void => {
  for (const [name, template] of Object.entries(query)) {
    const value = typeof template === 'string' ? fillText(template, params, plain) : JSON.stringify(template);
    if (value !== null) url.searchParams.set(name, value);
  }
};

/** A text that is one place takes the parameter as it is, with its type; members without a value are left out. */
const fillBody = (template: Json, params: Params): Json | undefined => {
  if (typeof template === 'string') {
    const name = WHOLE.exec(template)?.[1];
    if (name !== undefined) return Object.hasOwn(params, name) ? params[name] : undefined;
    return fillText(template, params, plain) ?? undefined;
  }
  if (Array.isArray(template)) return template.map((item) => fillBody(item as Json, params) ?? null);
  if (template === null || typeof template !== 'object') return template;
  const members = Object.entries(template).flatMap(([name, member]) => {
    const filled = fillBody(member, params);
    return filled === undefined ? [] : [[name, filled] as const];
  });
  return Object.fromEntries(members);
};

const fillHeaders = (declaration: Declaration, params: Params): Record<string, string> => {
  const filled = Object.entries(declaration.headers).flatMap(([name, template]) => {
    const value = fillText(template, params, plain);
    return value === null ? [] : [[name.toLowerCase(), value] as const];
  });
  return { accept: 'application/json', ...Object.fromEntries(filled) };
};

/** HTTP-3. @throws AirlockError CONFIG_INVALID where the field is empty. */
const inject = (
  { credential: injection }: Declaration,
  credential: Credential,
  url: URL,
  headers: Record<string, string>,
): boolean => {
  if (injection === undefined) return false;
  const value = credential[injection.field];
  if (value === undefined && injection.optional) return false;
  if (value === undefined || value === '') throw new AirlockError('CONFIG_INVALID', 'the credential of the service is missing');
  if (injection.as === 'query') url.searchParams.set(injection.name, value);
  else if (injection.as === 'header') headers[injection.name.toLowerCase()] = value;
  else headers['authorization'] = `Bearer ${value}`;
  return true;
};

/**
 * @param origin where paths begin, e.g. `https://api.example.org:443`
 * @throws AirlockError PARAMS_INVALID
 */
export const fillRequest = (declaration: Declaration, given: Params, credential: Credential, origin: string): Filled => {
  const params: Params = { ...declaration.defaults, ...given };
  const url = baseUrl(declaration, params, origin);
  fillQuery(url, declaration.query, params);
  const headers = fillHeaders(declaration, params);
  const secret = inject(declaration, credential, url, headers);
  if (declaration.body === undefined) return { method: declaration.method, url: url.href, headers, secret };
  headers['content-type'] = 'application/json';
  const body = JSON.stringify(fillBody(declaration.body, params) ?? null);
  return { method: declaration.method, url: url.href, headers, body, secret };
};
