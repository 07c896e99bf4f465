/** Sets of scopes in their one form: canonical texts, sorted, each once. */
import { OPERATION_PATTERN, parseScope, type Scope, scopeCovers, SERVICE_PATTERN } from '@airlock/protocol';

/** As many as fit a prompt a human can read, with room for what is derived from them. */
const MAX_SCOPES = 64;

const unanchored = (pattern: string): string => pattern.slice(1, -1);
/** The texts that formatScope writes: the class always there. A pattern, as this runs in every call. */
const CANONICAL_SCOPE = new RegExp(`^${unanchored(SERVICE_PATTERN)}:(?:read|use|write)(?::${unanchored(OPERATION_PATTERN)})?$`);
const isCanonicalScope = (value: unknown): boolean => typeof value === 'string' && CANONICAL_SCOPE.test(value);

/** True for a list that is not empty, canonical, sorted and unique. */
export const isScopeList = (value: unknown): value is readonly string[] =>
  Array.isArray(value) &&
  value.length >= 1 &&
  value.length <= MAX_SCOPES &&
  value.every((item, index) => isCanonicalScope(item) && (index === 0 || (value[index - 1] as string) < (item as string)));

/** True where some scope of the list covers the wanted one. */
export const covers = (scopes: readonly string[], wanted: Scope): boolean =>
  scopes.some((scope) => scopeCovers(parseScope(scope), wanted));

/** What both lists allow: of each pair, the narrower where one covers the other. May be empty. */
export const intersectScopes = (a: readonly string[], b: readonly string[]): readonly string[] => {
  const kept = [...a.filter((scope) => covers(b, parseScope(scope))), ...b.filter((scope) => covers(a, parseScope(scope)))];
  return [...new Set(kept)].sort();
};
