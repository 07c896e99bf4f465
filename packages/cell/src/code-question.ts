/**
 * Whether a question of a service is for a one-time code. Such a code is for the human's own hands, and no service behind
 * Airlock needs one through an agent.
 *
 * EXCHANGE-9  what asks for a code by the name of a field, by its form, or in words is not asked.
 */
import { EXCHANGE_LIMITS, type Json } from '@airlock/protocol';
import { isShallow } from './seal-event.js';

/** Letters of other scripts that look like ours: what the human reads is what counts. */
const LOOKALIKES: Readonly<Record<string, string>> = {
  ...{ а: 'a', е: 'e', о: 'o', р: 'p', с: 'c', х: 'x', у: 'y', і: 'i', ѕ: 's', ԁ: 'd', т: 't', п: 'n', н: 'h' },
  ...{ ο: 'o', ε: 'e', ρ: 'p', τ: 't', ι: 'i', α: 'a', ν: 'v', κ: 'k', с: 'c' },
};

/** As it is read: compatibility forms, marks and invisible characters gone. */
const folded = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/[\p{Cf}\p{Mn}]/gu, '')
    .toLowerCase()
    .replace(/[\p{Script=Cyrillic}\p{Script=Greek}]/gu, (letter) => LOOKALIKES[letter] ?? letter);

/** Other things that are called code and are no secret. */
const HARMLESS =
  '(?<!\\b(?:zip|post(?:al)?|country|area|source|error|status|exit|return|currency|language|locale|promo|promotion|discount|coupon|gift|product|item|airport|color|colour|project|qr|bar|dress|machine|python|javascript|typescript|html|this|the following|some|example|sample|generated)[ _-]?)';

const WORDS: readonly RegExp[] = [
  /\b(?:one|single)[\s_-]?(?:time|use)[\s_-]?(?:pass|code|pin|key|token)/u,
  /\b(?:t?otp|2fa|mfa|hotp|passcode|two[\s_-]?factor|second factor|authenticator)\b/u,
  /\b(?:verification|authentication|security|confirmation|approval|login|log[\s-]?in|sign[\s-]?in|access|airlock|sms|auth|unlock)[\s_-](?:code|number|pin)s?\b/u,
  /\b(?:[6-8]|six|seven|eight)[\s_-]?(?:digits?|numbers?|ziffern|stellig\w*|chiffres|dígitos|digitos|cifre)\b/u,
  new RegExp(
    `\\b(?:enter|type|give|send|tell|provide|paste|submit|share|read|reply with|respond with|what is|what's|need|confirm with|approve with|insert|supply|geben|eingeben|nennen|ingrese|introduzca|escriba|saisir|saisissez|entrez|inserisci|digite)\\b[^.?!\\n]{0,60}${HARMLESS}\\b(?:code|pin)\\b`,
    'u',
  ),
  /^\W*(?:the |your )?(?:code|pin|pin code|otp code)\W*$/u,
];

/** The name of a field, in words: `oneTimeCode`, `otp_code`, `PIN`. */
const FIELD =
  /^(?:(?:your|the|user|my|current|new|airlock|one time|verification|auth|authentication|authenticator|security|confirmation|approval|login|access|sms|phone|email|app|unlock) )*(?:code|pin|tan|otp|totp|hotp|mfa|2fa|passcode|pin code)(?: (?:code|value|number|digits?|token|input|field|\d+))*$/u;

const wordsOf = (name: string): string =>
  folded(name.replace(/([\p{Ll}\d])(\p{Lu})/gu, '$1 $2'))
    .replace(/[\s_./-]+/gu, ' ')
    .trim();

/** A pattern of six to eight digits, or a number that has as many. */
const DIGITS = /(?:\\d|\[0-9\])\{(?:[6-8])(?:,[6-8]?)?\}|(?:(?:\\d|\[0-9\]){6,8})/u;
const HIGHEST: ReadonlySet<unknown> = new Set([999_999, 9_999_999, 99_999_999]);
const CODE_CHARS = 6;

const isCodeForm = (schema: Readonly<Record<string, Json>>): boolean => {
  const { pattern, minLength, maxLength, maximum } = schema;
  if (typeof pattern === 'string' && DIGITS.test(pattern)) return true;
  return HIGHEST.has(maximum) || (minLength === CODE_CHARS && maxLength === CODE_CHARS);
};

const saysCode = (text: string): boolean => {
  const read = folded(text);
  return WORDS.some((words) => words.test(read));
};

/** Every text and every name in it. Recursion ends with the depth that an event may have. */
const holdsCodeQuestion = (value: Json): boolean => {
  if (typeof value === 'string') return saysCode(value);
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some((item: Json) => holdsCodeQuestion(item));
  const members = value as Readonly<Record<string, Json>>;
  return (
    isCodeForm(members) ||
    Object.entries(members).some(([name, member]) => FIELD.test(wordsOf(name)) || saysCode(name) || holdsCodeQuestion(member))
  );
};

/** One of the questions in an answer that asks before it goes on; too deep to be looked at is as good as asking. */
const isCodeRequest = (request: unknown): boolean => {
  if (typeof request !== 'object' || request === null) return false;
  const { method, params = null } = request as { readonly method?: unknown; readonly params?: Json };
  if (method !== 'elicitation/create') return false;
  return !isShallow(params, EXCHANGE_LIMITS.maxEventDepth) || holdsCodeQuestion(params);
};

/** EXCHANGE-9, for what a service asks in its result (`input_required` of MCP). @param answer anything; the connector's */
export const answerAsksForCode = (answer: unknown): boolean => {
  const { result } = (answer ?? {}) as { readonly result?: unknown };
  const { inputRequests } = (result ?? {}) as { readonly inputRequests?: unknown };
  return typeof inputRequests === 'object' && inputRequests !== null && Object.values(inputRequests).some(isCodeRequest);
};

/** True where the human would be asked for a one-time code. */
export const asksForCode = (method: string, params: Json): boolean =>
  method === 'elicitation/create' && holdsCodeQuestion(params);
