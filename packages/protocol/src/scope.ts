/** Scopes: `service:class[:operation]`; a scope without a class means read. */
import { AirlockError } from './errors.js';
import { OPERATION_PATTERN, SERVICE_PATTERN } from './names.js';

/** read changes nothing; use costs or computes but changes nothing of the person's; write changes. */
export type ScopeClass = 'read' | 'use' | 'write';

export interface Scope {
  readonly service: string;
  readonly class: ScopeClass;
  /** null: every operation of the class. */
  readonly operation: string | null;
}

const service = new RegExp(SERVICE_PATTERN);
const operation = new RegExp(OPERATION_PATTERN);
const isClass = (text: string): text is ScopeClass => text === 'read' || text === 'use' || text === 'write';

const refuse = (text: string): never => {
  throw new AirlockError('PARAMS_INVALID', 'a scope is not of the form service:class[:operation]', {
    field: 'params.scopes',
    expected: 'service, service:read, service:use or service:write, optionally followed by :operation',
    found: JSON.stringify(text.slice(0, 80)),
    hint: 'write for example gmail:read or gmail:read:get_message',
  });
};

/** @throws AirlockError PARAMS_INVALID */
export const parseScope = (text: string): Scope => {
  const known = kept.get(text);
  if (known !== undefined) return known;
  const scope = readScope(text);
  if (kept.size >= MAX_KEPT) kept.clear();
  kept.set(text, scope);
  return scope;
};

const MAX_KEPT = 512;
/** Scopes that were read before: each call looks at those of its lease several times. What is refused is not kept. */
const kept = new Map<string, Scope>();

const readScope = (text: string): Scope => {
  const [name = '', scopeClass = 'read', only = null, ...rest] = text.split(':');
  if (rest.length > 0 || !service.test(name) || !isClass(scopeClass)) return refuse(text);
  if (only !== null && !operation.test(only)) return refuse(text);
  return { service: name, class: scopeClass, operation: only };
};

/** The canonical text, class always written. */
export const formatScope = (scope: Scope): string =>
  scope.operation === null ? `${scope.service}:${scope.class}` : `${scope.service}:${scope.class}:${scope.operation}`;

/** True where everything the narrower scope allows is allowed by the wider one. */
export const scopeCovers = (wider: Scope, narrower: Scope): boolean =>
  wider.service === narrower.service &&
  wider.class === narrower.class &&
  (wider.operation === null || wider.operation === narrower.operation);

/** Parsed, each once, sorted. @throws AirlockError PARAMS_INVALID */
export const canonicalScopes = (texts: readonly string[]): string[] =>
  [...new Set(texts.map((text) => formatScope(parseScope(text))))].sort();
