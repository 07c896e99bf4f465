/** The error a sealed log gives, with where and why. */
import { AirlockError } from '@airlock/protocol';

/** AUDIT_UNAVAILABLE with the reason in its message. */
export const sealedBecause = (reason: string): AirlockError =>
  new AirlockError('AUDIT_UNAVAILABLE', `the audit log cannot be written: ${reason}`, {
    hint: 'the operator: make room or repair the disk, then sudo airlock-ctl audit reopen; if it is damaged, airlock-ctl audit verify',
  });

/** The system's name of a failure (`EIO`), or its text. */
export const reasonOf = (thrown: unknown): string => {
  if (thrown instanceof AirlockError) return thrown.message;
  if (!(thrown instanceof Error)) return 'unknown';
  return 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : thrown.message;
};

export const isNoSpace = (thrown: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(reasonOf(thrown));
