/** E-mail addresses (RFC 5321 §4.1.2, the usual subset) and telephone numbers (E.164): masked only where asked for. */
import { ALPHABETS, isIn, type Found } from './found.js';

const MAX_LOCAL = 64;
const isLocal = (text: string, at: number): boolean =>
  isIn(text, at, ALPHABETS.dotted) || "+%'!#$&*/=?^`{|}~".includes(text.charAt(at) || ' ');

const emailAt = (text: string, at: number): Found | null => {
  let from = at;
  while (from > 0 && at - from < MAX_LOCAL && isLocal(text, from - 1)) from -= 1;
  while (from < at && !isIn(text, from, ALPHABETS.word)) from += 1;
  let to = at + 1;
  while (to < text.length && to - at < 255 && isIn(text, to, ALPHABETS.dotted)) to += 1;
  while (to > at && !isIn(text, to - 1, ALPHABETS.alnum)) to -= 1;
  const domain = text.slice(at + 1, to);
  const top = domain.slice(domain.lastIndexOf('.') + 1);
  if (from === at || !domain.includes('.') || domain.includes('..') || !/^[A-Za-z][A-Za-z-]*[A-Za-z0-9]$/.test(top)) return null;
  return { from, to, kind: 'email', mark: `[masked email ${text.charAt(from)}…]` };
};

export const findEmails = (text: string): Found[] => {
  const found: Found[] = [];
  for (let at = text.indexOf('@'); at !== -1; at = text.indexOf('@', at + 1)) {
    const one = emailAt(text, at);
    if (one !== null) found.push(one);
  }
  return found;
};

const PHONE_WORDS = /(?:tel|phone|call|mobile|mobil|handy|fax|cell|whatsapp|sms|number|telefon|contact)[^0-9]{0,24}$/i;
const isPhoneSign = (char: string): boolean => ' -.()/\u00a0'.includes(char);

/** Digits with single signs between, from `at` on; at most fifteen digits (E.164 §6.1). */
const phoneAt = (text: string, at: number): Found | null => {
  let to = at + 1;
  let digits = isIn(text, at, ALPHABETS.digits) ? 1 : 0;
  let signs = 0;
  let end = to;
  while (to < text.length && digits <= 16 && signs < 3) {
    if (isIn(text, to, ALPHABETS.digits)) {
      digits += 1;
      signs = 0;
      end = to + 1;
    } else if (isPhoneSign(text.charAt(to))) signs += 1;
    else break;
    to += 1;
  }
  if (digits < 7 || digits > 15 || isIn(text, end, ALPHABETS.word)) return null;
  const shown = text.slice(at, end);
  const isPlain =
    text[at] === '+' ||
    /^\(?[0-9]{3}\)?[-. ][0-9]{3}[-. ][0-9]{4}$/.test(shown) ||
    /^1[-. ][0-9]{3}[-. ][0-9]{3}[-. ][0-9]{4}$/.test(shown);
  if (!isPlain && !PHONE_WORDS.test(text.slice(Math.max(0, at - 32), at))) return null;
  return { from: at, to: end, kind: 'phone', mark: `[masked phone …${shown.slice(-2)}]` };
};

export const findPhones = (text: string): Found[] => {
  const found: Found[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if ((char !== '+' && char !== '(' && !isIn(text, at, ALPHABETS.digits)) || isIn(text, at - 1, ALPHABETS.word)) continue;
    const one = phoneAt(text, at);
    if (one !== null) found.push(one);
    at = (one?.to ?? at + 1) - 1;
    // A number that is none is not looked at again from its second digit on.
    if (one === null) while (isIn(text, at + 1, ALPHABETS.digits)) at += 1;
  }
  return found;
};
