/** A ticket of an approved action, redeemed at airlock-totp before anything is changed (OPERATOR-2). */
import {
  AirlockError,
  checkListed,
  OPERATOR_ROLE,
  validate,
  type Action,
  type ActionVerb,
  type ListedOperation,
  type RedeemedAction,
  type SealedRecordText,
} from '@airlock/protocol';
import { orderFor, TRIAL_LEASE } from '../call/cell-open.js';
import { kindOf, type House } from '../house.js';
import type { ServiceEntry } from '../vault/entry.js';

export interface TicketParams {
  readonly ticket: string;
  readonly record?: SealedRecordText;
}

type ActionOf<V extends ActionVerb> = Extract<Action, { readonly verb: V }>;

/** What the operator approved, in its verb's shape. */
export interface Redeemed<V extends ActionVerb> {
  readonly params: ActionOf<V>['params'];
  readonly trial: string | null;
}

/** @throws AirlockError NOT_AUTHENTICATED for a ticket that is used, over, or of another operator or verb; UNAVAILABLE. */
export const redeem = async <V extends ActionVerb>(
  house: House,
  operator: string,
  verb: V,
  ticket: string,
): Promise<Redeemed<V>> => {
  const { action, trial } = await house.bridge.call<RedeemedAction>('action.redeem', { ticket, operator, verb });
  if (action.verb !== verb) throw new AirlockError('NOT_AUTHENTICATED', 'the ticket is of another action');
  // They become file names and stored definitions, so they are checked again here.
  const problem = validate(`action.${verb}`, action.params);
  if (problem !== null) throw problem;
  return { params: action.params as ActionOf<V>['params'], trial };
};

/**
 * Logs in once in a cell of its own, with the record given.
 * @returns what the service lists itself; null for a kind whose services list nothing
 * @throws AirlockError of the cell with data.found; UNAVAILABLE where no trial was approved.
 */
export const tryLogin = async (
  house: House,
  operator: string,
  entry: ServiceEntry,
  trial: string | null,
): Promise<readonly ListedOperation[] | null> => {
  if (trial === null) throw new AirlockError('NOT_AUTHENTICATED', 'no trial was approved with this action');
  const order = orderFor(house, operator, entry, TRIAL_LEASE, trial);
  const kind = kindOf(house, entry);
  const { listed } = await house.pool.trial({ role: OPERATOR_ROLE, operator }, order, (cell) => cell.test());
  return kind?.manifest.listed === true ? checkListed(listed ?? [], kind.operations) : null;
};
