/** The dispatch table of a socket: what may be called, in which state, with which parameters. */
import type { AirlockError, Validator } from '@airlock/protocol';
import type { Connection } from './connection.js';

export interface CallContext<S> {
  readonly connection: Connection<S>;
  readonly state: S;
}

/**
 * One method. `handle` runs only after `permitted` and `params` said null, so its parameter type may be the
 * one the schema describes. What it throws is the answer: an AirlockError as it stands, anything else INTERNAL.
 */
export interface MethodEntry<S> {
  /** What is wrong with the parameters, or null. */
  params(params: unknown, state: S): AirlockError | null;
  /** Looked at before the parameters: nothing is permitted until the state says so. */
  permitted(state: S): AirlockError | null;
  /** The result, or a promise of it; undefined answers `{}`. */
  handle(params: object, context: CallContext<S>): unknown;
}

export type MethodTable<S> = Readonly<Record<string, MethodEntry<S>>>;

/** One notification the other side may send; it has no answer, so a refusal is a protocol error. */
export interface NotificationEntry<S> {
  readonly params: Validator;
  handle(params: object, context: CallContext<S>): void;
}

export type NotificationTable<S> = Readonly<Record<string, NotificationEntry<S>>>;

/** Always permitted. */
export const always = (): null => null;
