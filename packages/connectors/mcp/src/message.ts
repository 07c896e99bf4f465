/**
 * JSON-RPC 2.0 as MCP has it, read from a server that may send anything. Pure.
 *
 * UPSTREAM-13  A result is handed on member for member, or refused.
 */
import type { Json } from '@airlock/protocol';
import { isMembers, type Members } from './contract.js';
import { refused } from './errors.js';
import { MCP_LIMITS } from './limits.js';

export type Id = string | number;

export type Message =
  | { readonly kind: 'request'; readonly id: Id; readonly method: string; readonly params: Members }
  | { readonly kind: 'notification'; readonly method: string; readonly params: Members }
  | { readonly kind: 'result'; readonly id: Id; readonly result: unknown }
  | {
      readonly kind: 'error';
      readonly id: Id | null;
      readonly code: number;
      readonly message: string;
      readonly required: readonly string[];
    };

const isId = (id: unknown): id is Id =>
  (typeof id === 'string' && id.length <= MCP_LIMITS.maxIdChars) || (typeof id === 'number' && Number.isSafeInteger(id));

/** What of a client an error says is missing; only what there is. */
const CAPABILITIES = ['sampling', 'elicitation', 'roots'];

const requiredOf = (data: unknown): readonly string[] => {
  const required = isMembers(data) ? data['requiredCapabilities'] : undefined;
  return isMembers(required) ? CAPABILITIES.filter((name) => Object.hasOwn(required, name)) : [];
};

const errorOf = (id: Id | null, { code, message, data }: Members): Message => ({
  kind: 'error',
  id,
  code: typeof code === 'number' && Number.isSafeInteger(code) ? code : -32603,
  message: typeof message === 'string' ? message : '',
  required: requiredOf(data),
});

/** null for what is no message. */
export const messageOf = (value: unknown): Message | null => {
  if (!isMembers(value) || value['jsonrpc'] !== '2.0') return null;
  const { id, method, params, error } = value;
  if (typeof method === 'string') {
    const given = isMembers(params) ? params : {};
    if (id === undefined) return { kind: 'notification', method, params: given };
    return isId(id) ? { kind: 'request', id, method, params: given } : null;
  }
  if (isMembers(error)) return isId(id) || id === null || id === undefined ? errorOf(id ?? null, error) : null;
  return isId(id) && Object.hasOwn(value, 'result') ? { kind: 'result', id, result: value['result'] } : null;
};

/** null for a text that is no JSON. */
export const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

const carriedMembers = (value: object, levels: number): Json =>
  Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      if (key === '__proto__') throw refused('bad_key');
      return [key.toWellFormed(), carried(member, levels)];
    }),
  );

/** @throws AirlockError UPSTREAM_REFUSED too_deep, bad_key, bad_number */
export const carried = (value: unknown, levels: number = MCP_LIMITS.maxResultLevels): Json => {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value === 'number' && !Number.isFinite(value)) throw refused('bad_number');
  if (typeof value !== 'object' || value === null) return value as Json;
  if (levels === 0) throw refused('too_deep');
  return Array.isArray(value) ? value.map((item) => carried(item, levels - 1)) : carriedMembers(value, levels - 1);
};

/** Whether a value has more levels, without recursion: it may have any number. */
export const isDeeper = (value: unknown, levels: number): boolean => {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > levels) return true;
    level = level.flatMap((one): unknown[] => (typeof one === 'object' && one !== null ? Object.values(one) : []));
  }
  return false;
};
