/** Arguments that a tool wants as headers too (2026-07-28, "x-mcp-header"). Pure. */
import type { Json } from '@airlock/protocol';
import { isMembers, type Members } from './contract.js';
import { headerText } from './upstream.js';

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,48}$/;

const asText = (value: Json | undefined): string | null =>
  typeof value === 'string' ||
  typeof value === 'boolean' ||
  (typeof value === 'number' && (Number.isSafeInteger(value) || !Number.isInteger(value)))
    ? String(value)
    : null;

/** Only through `properties`; the server checks for itself. */
export const paramHeaders = (schema: Json, args: Members, levels = 8): Readonly<Record<string, string>> => {
  const properties = isMembers(schema) ? schema['properties'] : undefined;
  if (!isMembers(properties) || levels === 0) return {};
  const headers: Record<string, string> = {};
  for (const [name, property] of Object.entries(properties)) {
    const value = Object.hasOwn(args, name) ? args[name] : undefined;
    const header = isMembers(property) ? property['x-mcp-header'] : undefined;
    const text = asText(value);
    if (typeof header === 'string' && TOKEN.test(header) && text !== null)
      headers[`mcp-param-${header.toLowerCase()}`] = headerText(text);
    if (isMembers(value)) Object.assign(headers, paramHeaders(property, value, levels - 1));
  }
  return headers;
};
