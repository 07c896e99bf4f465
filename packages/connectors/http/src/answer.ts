/**
 * From a service's answer to the result of the operation: what the declaration names, nothing else. Pure.
 *
 * HTTP-5  Only own members are followed, lists are bounded by what was asked, and what is not there is null.
 */
import { AirlockError, type Json, type Params } from '@airlock/protocol';
import type { Shape } from './declaration.js';

export interface Source {
  readonly json: Json;
  /** Where the answer came from, after redirects. */
  readonly url: string;
  readonly params: Params;
}

const follow = (value: Json, pointer: readonly string[]): Json => {
  let at: Json = value;
  for (const part of pointer) {
    if (Array.isArray(at)) at = /^(?:0|[1-9][0-9]{0,8})$/.test(part) ? ((at[Number(part)] as Json | undefined) ?? null) : null;
    else if (at !== null && typeof at === 'object')
      at = Object.hasOwn(at, part) ? ((at as Readonly<Record<string, Json>>)[part] ?? null) : null;
    else return null;
  }
  return at;
};

/** Times without a zone are UTC here: a declaration asks its service for that. */
const LOCAL_TIME = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?$/;

/** ISO 8601 in UTC from such a text or from Unix seconds; null where it is neither. */
const utc = (value: Json): Json => {
  const text = typeof value === 'string' ? value : '';
  const zoned = LOCAL_TIME.test(text) && text.includes('T') ? `${text}Z` : text;
  const ms = typeof value === 'number' ? value * 1000 : Date.parse(zoned);
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString().replace('.000Z', 'Z') : null;
};

const limitOf = (limit: Json, params: Params): number => {
  const name = typeof limit === 'string' ? limit.replace(/^\{(.*)\}$/, '$1') : null;
  const value = name === null ? limit : (params[name] ?? null);
  return typeof value === 'number' && value >= 0 ? value : Infinity;
};

const unexpected = (): AirlockError =>
  new AirlockError('UPSTREAM_REFUSED', 'the service answered something else than it is declared to', {
    found: 'unexpected_answer',
  });

const listAt = (value: Json): readonly Json[] => {
  if (Array.isArray(value)) return value as readonly Json[];
  throw unexpected();
};

const row = (members: Readonly<Record<string, Shape>>, source: Source): Json =>
  Object.fromEntries(Object.entries(members).map(([name, member]) => [name, take(member, source)]));

/** Parallel lists as rows. The first list says how many there are. */
const zip = ({ members, limit }: Extract<Shape, { kind: 'zip' }>, source: Source): Json => {
  const columns = Object.entries(members).map(([name, member]) => {
    const pointer = member.kind === 'at' ? member.pointer : [];
    return { name, member, list: follow(source.json, pointer) };
  });
  const length = Math.min(listAt(columns[0]?.list ?? null).length, limitOf(limit, source.params));
  return Array.from({ length }, (_, index) =>
    Object.fromEntries(
      columns.map(({ name, member, list }) => {
        const value = Array.isArray(list) ? ((list[index] as Json | undefined) ?? null) : null;
        return [name, member.kind === 'at' && member.as === 'utc' ? utc(value) : value];
      }),
    ),
  );
};

/** @throws AirlockError UPSTREAM_REFUSED where a list is declared and there is none. */
export const take = (shape: Shape, source: Source): Json => {
  switch (shape.kind) {
    case 'url':
      return source.url;
    case 'at': {
      const value = follow(source.json, shape.pointer);
      return shape.as === 'utc' ? utc(value) : value;
    }
    case 'object':
      return row(shape.members, source);
    case 'each':
      return listAt(follow(source.json, shape.pointer))
        .slice(0, limitOf(shape.limit, source.params))
        .map((json) => take(shape.take, { ...source, json }));
    case 'zip':
      return zip(shape, source);
  }
};

/** Items for the audit record: the length of the result or of its first list, else one. */
export const countOf = (result: Json): number => {
  if (Array.isArray(result)) return result.length;
  if (result === null || typeof result !== 'object') return 1;
  const list = Object.values(result).find((member) => Array.isArray(member));
  return Array.isArray(list) ? list.length : 1;
};
