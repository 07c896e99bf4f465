/**
 * What a call may carry beside its parameters: a lease of the caller's own, and what the call is for.
 *
 * MCP-8 `_capability` is used for this call alone: never stored, never echoed, never passed to the service.
 */
import type { ExchangeChoice } from '@airlock/client';
import { AirlockError } from '@airlock/protocol';
import { onlyKnown, type Arguments } from './arguments.js';
import { refuseCodes } from './code-guard.js';
import { isLeaseText } from './lease-text.js';

export interface CallExtras {
  /** Text of the lease to call under, in place of those of this process. */
  readonly capability?: string | undefined;
  /** What the lease is bound to, or what is written into the record. */
  readonly intent?: string | undefined;
  /** NET-9: aborts where the client cancels the call, or goes away. */
  readonly signal?: AbortSignal | undefined;
  /** NET-12: how an upstream MCP server's progress is told. */
  readonly exchange?: ExchangeChoice | undefined;
}

export const NO_EXTRAS: CallExtras = {};

const CAPABILITY = '_capability';
const CONTEXT = '_context';
const META_CAPABILITY = 'airlock/capability';
const META_CONTEXT = 'airlock/context';
const MAX_INTENT = 2048;

const noLease = (field: string): AirlockError =>
  new AirlockError('LEASE_INVALID', `${field} holds no lease`, {
    field,
    expected: 'the text of a lease: al1.….…',
    hint: `leave ${field} out to use the access of this server (airlock_status), or put the whole text of the lease there`,
  });

/** The one of two places that was used. @throws AirlockError PARAMS_INVALID where both were, and differ. */
const either = (field: string, one: unknown, other: unknown): unknown => {
  if (one === undefined || other === undefined || JSON.stringify(one) === JSON.stringify(other)) return one ?? other;
  throw new AirlockError('PARAMS_INVALID', `${field} is given twice, and not the same`, {
    field,
    expected: 'one of the two',
    hint: `give ${field} in the arguments or in _meta, not in both`,
  });
};

const intentOf = (context: unknown): string | undefined => {
  if (context === undefined) return undefined;
  const refuse = (field: string, expected: string): AirlockError =>
    new AirlockError('PARAMS_INVALID', `${field}: expected ${expected}`, {
      field,
      expected,
      hint: `set ${field} to ${expected}`,
    });
  if (typeof context !== 'object' || context === null || Array.isArray(context)) throw refuse(CONTEXT, 'an object');
  onlyKnown(context as Arguments, ['intent']);
  const { intent } = context as Arguments;
  if (intent === undefined) return undefined;
  if (typeof intent === 'string' && intent !== '' && intent.length <= MAX_INTENT) return intent;
  throw refuse(`${CONTEXT}.intent`, `text of at most ${MAX_INTENT} characters`);
};

/**
 * The parameters without the extras, and the extras.
 * @param meta `_meta` of the request: `airlock/capability` and `airlock/context` there are the same.
 * @throws AirlockError LEASE_INVALID for what is no lease, PARAMS_INVALID, CODE_ON_AGENT_SOCKET
 */
export const takeExtras = (args: Arguments, meta: Arguments = {}): { readonly args: Arguments; readonly extras: CallExtras } => {
  const { [CAPABILITY]: capability, [CONTEXT]: context, ...rest } = args;
  const lease = either(CAPABILITY, capability, meta[META_CAPABILITY]);
  const about = either(CONTEXT, context, meta[META_CONTEXT]);
  if (lease !== undefined && !isLeaseText(lease)) throw noLease(CAPABILITY);
  if (about !== undefined) refuseCodes({ [CONTEXT]: about });
  return { args: rest, extras: { capability: lease, intent: intentOf(about) } };
};
