/**
 * Secrets in addresses and blocks: passwords and tokens in URLs, otpauth (Key URI format), PEM (RFC 7468), PuTTY keys.
 *
 * GUARD-8  of a PEM or PuTTY private key nothing stays, though its end be missing.
 */
import { ALPHABETS, endOfRun, isIn, markOf, type Found } from './found.js';
import { SEEN, type Look } from './look.js';

const isUrlEnd = (char: string): boolean => char <= ' ' || '"\'<>`\\{}|^'.includes(char) || char > '~';
const ASCII = 128;
const URL_ENDS = Uint8Array.from({ length: ASCII }, (_, code) => (isUrlEnd(String.fromCharCode(code)) ? 1 : 0));

/** End of what may be a URL; linear as long as the search goes on behind it. */
export const endOfUrl = (text: string, at: number): number => {
  let end = at;
  while (end < text.length && URL_ENDS[text.charCodeAt(end)] === 0) end += 1;
  while (end > at && '.,;:!?)]'.includes(text.charAt(end - 1))) end -= 1;
  return end;
};

/** Every index of `needle`; the next is looked for behind what `take` gives back. */
const eachIndex = (text: string, needle: string, take: (at: number) => number): void => {
  for (let at = text.indexOf(needle); at !== -1; at = text.indexOf(needle, at)) at = Math.max(at + 1, take(at));
};

/** A longer userinfo is no login. */
const MAX_USERINFO = 512;
const isPlaceholder = (word: string): boolean =>
  word === '' || /^(?:\*+|x+|\.{3}|<.*|\[.*|\$.*|%s|\{.*|pass|password|passwd|pwd|secret|token)$/i.test(word.slice(0, 64));

const passwordAt = (text: string, scheme: number): Found | null => {
  const begin = scheme + 3;
  let colon = -1;
  const last = Math.min(text.length, begin + MAX_USERINFO);
  for (let at = begin; at < last; at += 1) {
    const char = text.charAt(at);
    if (char === '@') {
      const from = colon === -1 ? begin : colon + 1;
      if (colon === -1 || !isIn(text, at + 1, ALPHABETS.alnum) || isPlaceholder(text.slice(from, at))) return null;
      return { from, to: at, kind: 'password', mark: '[masked password]' };
    }
    if (char === ':' && colon === -1) colon = at;
    // A password may hold a slash only behind a colon that names no port.
    if (char === '/' && (colon === -1 || isIn(text, colon + 1, ALPHABETS.digits))) return null;
    if (char === '?' || char === '#' ? colon === -1 : isUrlEnd(char)) return null;
  }
  return null;
};

/** RFC 3986 §3.2.1. */
const findPasswords = (text: string): Found[] => {
  const found: Found[] = [];
  eachIndex(text, '://', (at) => {
    const one = passwordAt(text, at);
    if (one !== null) found.push(one);
    return one?.to ?? at + 3;
  });
  return found;
};

/** Addresses that are secrets as a whole: who has them may write. */
const HOOKS: readonly (readonly [string, number])[] = [
  ['hooks.slack.com/services/', 30],
  ['hooks.slack.com/workflows/', 30],
  ['hooks.slack.com/triggers/', 30],
  ['discord.com/api/webhooks/', 60],
  ['discordapp.com/api/webhooks/', 60],
  ['webhook.office.com/webhookb2/', 60],
  ['hooks.zapier.com/hooks/catch/', 12],
  ['maker.ifttt.com/trigger/', 20],
];

const findHooks = (text: string): Found[] => {
  const found: Found[] = [];
  for (const [address, min] of HOOKS)
    eachIndex(text, address, (at) => {
      const from = at + address.length;
      const to = endOfUrl(text, from);
      if (to - from >= min) found.push({ from, to, kind: 'token', mark: markOf('token', '', text.slice(from, to)) });
      return to;
    });
  return found;
};

const findOtpauth = (text: string): Found[] => {
  const found: Found[] = [];
  for (const scheme of ['otpauth://', 'otpauth-migration://', 'OTPAUTH://'])
    eachIndex(text, scheme, (from) => {
      const to = endOfUrl(text, from);
      if (to - from > scheme.length + 5) found.push({ from, to, kind: 'otpauth', mark: '[masked otpauth]' });
      return to;
    });
  return found;
};

/** What stays in a key without its end: base64, line breaks, headers such as `Proc-Type:`. */
const isKeyBody = (text: string, at: number): boolean =>
  isIn(text, at, ALPHABETS.base64) || ' \n\r\t\\:,"\'>|'.includes(text.charAt(at)) || text.charCodeAt(at) === 0xa0;

const BEGIN = '-----BEGIN ';
const END = '-----END ';

const endOfLabel = (text: string, at: number): number => {
  const end = endOfRun(text, at, ALPHABETS.dotted);
  return text.startsWith('-----', end - 5) ? end : at;
};

const pemAt = (text: string, from: number, end: number): Found | null => {
  const label = text.slice(from + BEGIN.length, from + BEGIN.length + 64).split('-----')[0] ?? '';
  if (!label.includes('PRIVATE KEY') || label.length >= 64) return null;
  const begin = from + BEGIN.length + label.length + 5;
  let to = begin;
  if (end !== -1) to = Math.max(begin, endOfLabel(text, end + END.length + label.length));
  else while (to < text.length && isKeyBody(text, to)) to += 1;
  return { from, to: Math.max(to, end), kind: 'pem', mark: '[masked private key]' };
};

const findPem = (text: string): Found[] => {
  const found: Found[] = [];
  let end = -2;
  eachIndex(text, BEGIN, (at) => {
    // An end that was looked for once and is not there is not looked for again.
    if (end !== -1 && end < at) end = text.indexOf(END, at);
    const next = text.indexOf(BEGIN, at + 1);
    const own = end !== -1 && (next === -1 || end < next) ? end : -1;
    const one = pemAt(text, at, own);
    if (one !== null) found.push(one);
    return one?.to ?? at + 1;
  });
  return found;
};

const findPutty = (text: string): Found[] => {
  const found: Found[] = [];
  eachIndex(text, 'Private-Lines:', (from) => {
    let to = from + 'Private-Lines:'.length;
    while (to < text.length && isKeyBody(text, to)) to += 1;
    found.push({ from, to, kind: 'pem', mark: '[masked private key]' });
    return to;
  });
  return found;
};

/** One of these stands in each of `HOOKS`. */
const mayHook = (text: string): boolean => text.includes('hook') || text.includes('ifttt');

/** A password ends at an `@`; a hook is longer than any word; in the head of a key stands a dash, which begins a run. */
export const findAddresses = ({ text, seen, runs }: Look): Found[] => {
  const found: Found[] = [];
  const isAddress = text.includes('://');
  if (isAddress && (seen & SEEN.at) !== 0) found.push(...findPasswords(text));
  if (isAddress) found.push(...findOtpauth(text));
  if (runs.length > 0 && mayHook(text)) found.push(...findHooks(text));
  if (text.includes(BEGIN)) found.push(...findPem(text));
  if (text.includes('Private-Lines:')) found.push(...findPutty(text));
  return found;
};
