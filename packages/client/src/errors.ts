/** The errors an agent meets: AirlockError with a closed set of codes, narrowed by `isAirlockError`. */
import { AirlockError, type ErrorCode } from '@airlock/protocol';

/** True for an AirlockError with one of the codes, or with any code where none is named. */
export const isAirlockError = <C extends ErrorCode>(
  thrown: unknown,
  ...codes: readonly C[]
): thrown is AirlockError & { readonly code: C } =>
  thrown instanceof AirlockError && (codes.length === 0 || codes.some((code) => code === thrown.code));
