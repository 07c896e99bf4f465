/**
 * One-time codes have no place in anything an agent sends.
 *
 * MCP-1 no tool asks for a code, by parameter, elicitation or text.
 * MCP-2 what looks like a code in the arguments of a tool of Airlock's own is refused with CODE_ON_AGENT_SOCKET before it
 *       leaves this process, at whatever depth, is not repeated, and the gateway is told that it was tried.
 */
import { AirlockError } from '@airlock/protocol';

/** The whole text is a code: 6 to 8 digits, perhaps grouped as phones show them (RFC 6238 codes have 6 to 8). */
const BARE_CODE = /^\s*(?:\d{6,8}|\d{3}[ -]\d{3}|\d{4}[ -]\d{4})\s*$/;
/** Digits that are called a code. */
const NAMED_CODE = /\b(?:code|otp|totp|2fa|mfa|pin|passcode)\b\D{0,12}\d{3}[ -]?\d{3,5}\b/i;
const NAMED_FIELD = /^(?:.*_)?(?:code|otp|totp|2fa|mfa|pin|passcode)$/i;
/** Limits that may well have six digits. */
const COUNTS = ['bytes', 'calls', 'maxResults', 'maxRisk', 'progressToken'];
/** No argument of a tool is nested deeper; what is, is refused as one. */
const MAX_DEPTH = 32;

const refusal = (field: string): AirlockError =>
  new AirlockError('CODE_ON_AGENT_SOCKET', 'something that looks like a one-time code was sent by the agent', {
    field: isCode(field) ? 'the name of a field' : field,
    hint: 'leave it out: the human types codes on their own terminal or phone, never here',
  });

const isCode = (text: string): boolean => BARE_CODE.test(text) || NAMED_CODE.test(text);

const holdsCode = (key: string, value: unknown, depth: number): boolean => {
  if (typeof value === 'number') return value >= 100_000 && !COUNTS.includes(key);
  if (typeof value === 'string') return isCode(value);
  if (typeof value !== 'object' || value === null) return false;
  if (depth > MAX_DEPTH) return true;
  return Object.entries(value).some(([name, member]) => {
    const isItem = Array.isArray(value);
    return (!isItem && (NAMED_FIELD.test(name) || isCode(name))) || holdsCode(isItem ? key : name, member, depth + 1);
  });
};

/** MCP-2. @throws AirlockError CODE_ON_AGENT_SOCKET naming the field, never its value. */
export const refuseCodes = (args: Readonly<Record<string, unknown>>): void => {
  for (const [field, value] of Object.entries(args)) {
    if (NAMED_FIELD.test(field) || isCode(field) || holdsCode(field, value, 0)) throw refusal(field.slice(0, 80));
  }
};
