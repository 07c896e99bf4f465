/**
 * One-time codes have no place in anything an agent sends.
 *
 * MCP-1 no tool asks for a code, by parameter, elicitation or text.
 * MCP-2 what looks like a code in an access request is refused with CODE_ON_AGENT_SOCKET before it leaves this process, is
 *       not repeated, and the gateway is told that it was tried.
 */
import { AirlockError } from '@airlock/protocol';

/** The whole text is a code: 6 to 8 digits, perhaps grouped as phones show them (RFC 6238 codes have 6 to 8). */
const BARE_CODE = /^\s*(?:\d{6,8}|\d{3}[ -]\d{3}|\d{4}[ -]\d{4})\s*$/;
/** Digits that are called a code. */
const NAMED_CODE = /\b(?:code|otp|totp|2fa|mfa|pin|passcode)\b\D{0,12}\d{3}[ -]?\d{3,5}\b/i;
const NAMED_FIELD = /^(?:.*_)?(?:code|otp|totp|2fa|mfa|pin|passcode)$/i;

const refusal = (field: string): AirlockError =>
  new AirlockError('CODE_ON_AGENT_SOCKET', 'something that looks like a one-time code was sent by the agent', {
    field,
    hint: 'leave it out: the human types codes on their own terminal or phone, never here',
  });

const textsOf = (value: unknown): string[] => {
  if (typeof value === 'string' || typeof value === 'number') return [String(value)];
  return Array.isArray(value) ? value.flatMap(textsOf) : [];
};

const isCode = (text: string): boolean => BARE_CODE.test(text) || NAMED_CODE.test(text);

/** MCP-2. @throws AirlockError CODE_ON_AGENT_SOCKET naming the field, never its value. */
export const refuseCodes = (args: Readonly<Record<string, unknown>>): void => {
  for (const [field, value] of Object.entries(args)) {
    if (NAMED_FIELD.test(field)) throw refusal(field);
    if (typeof value === 'number' ? value >= 100_000 : textsOf(value).some(isCode)) throw refusal(field);
  }
};
