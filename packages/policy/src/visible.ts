/** The ceiling that the configuration sets over every role. */
import type { ScopeClass } from '@airlock/protocol';
import type { Permissions } from './facts.js';

/**
 * Whether operations of this class may ever be asked for. Reading always may (features.md A3: read-only by
 * default); the other classes only where the configuration names them.
 */
export const isClassAllowed = (permissions: Permissions, scopeClass: ScopeClass): boolean =>
  scopeClass === 'read' || permissions.allow.includes(scopeClass);
