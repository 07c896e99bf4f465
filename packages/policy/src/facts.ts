/** What the decisions look at. Everything is given; nothing is looked up. */
import type { OperationManifest, ScopeClass } from '@airlock/protocol';

/** What of an operation's manifest a decision needs. */
export type OperationFacts = Pick<OperationManifest, 'name' | 'class' | 'outward' | 'untrusted'>;

/** Operations by name of one service. */
export type ServiceFacts = ReadonlyMap<string, OperationFacts>;

/** Services of one operator, by name. */
export type Services = ReadonlyMap<string, ServiceFacts>;

/** What the configuration allows every role (airlock.yaml: `permissions`). */
export interface Permissions {
  readonly default: 'read';
  /** Classes beyond reading that may be asked for at all. */
  readonly allow: readonly ScopeClass[];
}
