/**
 * One-time codes have no place on an agent's socket: what looks like one is refused and audited, never echoed.
 *
 * CODE-1  no method of the agent's socket takes a code; those an agent might try are refused by name.
 * CODE-2  a value that is nothing but 6 to 8 digits, or a field called like a code, is refused where no such value belongs.
 * CODE-3  the parameters of `call` are the service's affair, but for a field called like a code that its operation does not know.
 */
import { AirlockError, type OperationManifest } from '@airlock/protocol';

/** RFC 6238 codes have 6 to 8 digits; people write them in groups. */
const CODE_VALUE = /^\s*\d(?:[\s-]?\d){5,7}\s*$/;
/** `code 123456`, `the code is 123 456`, `approve with 123456`: digits right after what calls them a code. */
const CODE_IN_WORDS =
  /\b(?:(?:pass)?code|t?otp|pin|approve\w{0,2} (?:with|by|using))\b(?:\W{0,3}\b(?:is|was|now|says|shows)\b){0,2}\W{0,3}\d(?:[\s-]?\d){5,7}(?![\d-])/i;
const CODE_FIELD = /^(?:code|otp|totp|pin|passcode|one[_-]?time[_-]?(?:code|password)|totp[_-]?code|otp[_-]?code)$/i;

/** Methods that take a code elsewhere, or that an agent might make up. */
export const CODE_METHODS = [
  'approve',
  'code',
  'access.approve',
  'access.confirm',
  'request.approve',
  'enrol.code',
  'totp.verify',
  'totp',
  'verify',
  'unlock',
] as const;

/** The one answer: says nothing of what was sent. */
export const codeRefused = (): AirlockError =>
  new AirlockError('CODE_ON_AGENT_SOCKET', 'something that looks like a one-time code was sent where agents speak', {
    hint: 'codes are for the human: never ask for one, never send one',
  });

/** A date of ISO 8601 has eight digits and is no code. */
const DATE = /^\s*(?:19|20)\d{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])\s*$/;

const isCodeText = (text: string): boolean => (CODE_VALUE.test(text) && !DATE.test(text)) || CODE_IN_WORDS.test(text);

/** CODE-2. Recursion ends with the frame's depth (32). */
export const holdsCode = (value: unknown): boolean => {
  if (typeof value === 'string') return isCodeText(value);
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(holdsCode);
  return Object.entries(value).some(([key, member]) => CODE_FIELD.test(key) || holdsCode(member));
};

/** CODE-2 for `call`, whose `params` are looked at by `strayCodeField` once the operation is known. */
export const callHoldsCode = (frame: object): boolean =>
  Object.entries(frame).some(([key, member]) => key !== 'params' && (CODE_FIELD.test(key) || holdsCode(member)));

/** CODE-3: a field called like a code that the operation's schema does not have. */
export const strayCodeField = (params: object, operation: OperationManifest): boolean => {
  for (const key in params) {
    if (!CODE_FIELD.test(key)) continue;
    const properties = operation.params['properties'];
    if (typeof properties !== 'object' || properties === null || !Object.hasOwn(properties, key)) return true;
  }
  return false;
};
