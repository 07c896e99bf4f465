/**
 * Keys and tokens known by their form.
 *
 * GUARD-7  a token is masked where its prefix, alphabet and length are right; its prefix and last four characters stay.
 */
import { ALPHABETS, distinctChars, endOfRun, markOf, type Found } from './found.js';
import { LONG, PREFIXES, type Prefixed } from './prefixes.js';

/** By the code of the first character; the longer prefix first, so that its name is shown. */
const BY_FIRST = ((): readonly (readonly Prefixed[])[] => {
  const table = Array.from({ length: 128 }, (): Prefixed[] => []);
  for (const entry of PREFIXES.toSorted((a, b) => b[0].length - a[0].length)) table[entry[0].charCodeAt(0)]?.push(entry);
  return table;
})();

/** `sk-learn-pipeline-example` and `xxxxxxxxxxxxxxxx` are no keys: too few digits or capitals, too few different characters. */
const isRandom = (body: string): boolean =>
  distinctChars(body, 5) >= 5 && /[0-9]|[a-z][A-Z]|[A-Z][a-z]/.test(body) && /[A-Za-z0-9]{8}/.test(body);

const prefixedAt = (text: string, at: number): Found | null => {
  for (const [prefix, alphabet, min, max] of BY_FIRST[text.charCodeAt(at)] ?? []) {
    if (!text.startsWith(prefix, at)) continue;
    const begin = at + prefix.length;
    // One more than the greatest length: then it is something else.
    const end = endOfRun(text, begin, ALPHABETS[alphabet], max + 1);
    const isLong = max >= LONG && end - begin > max;
    if (end - begin < min || (end - begin > max && !isLong) || !isRandom(text.slice(begin, end))) continue;
    const last = isLong ? endOfRun(text, end, ALPHABETS[alphabet]) : end;
    const to = text[last - 1] === '.' && alphabet !== 'url' ? last - 1 : last;
    return { from: at, to, kind: 'key', mark: markOf('key', prefix, text.slice(at, to)) };
  }
  return null;
};

/** RFC 7519 §3: three parts of base64url, the first of them the JSON of a header. The signature may be missing. `end`: of the first part. */
const jwtAt = (text: string, at: number, end: number): Found | null => {
  if (text[end] !== '.') return text.startsWith('eyJrIjoi', at) && end - at >= 64 ? longAt(text, at, end) : null;
  if (end - at < 12) return null;
  let to = end;
  let parts = 1;
  // RFC 7516: an encrypted one has five.
  while (text[to] === '.' && parts < 5) {
    to = endOfRun(text, to + 1, ALPHABETS.url);
    parts += 1;
  }
  if (to - at < 32) return null;
  if (text[to - 1] === '.' && parts < 3) to -= 1;
  return { from: at, to, kind: 'jwt', mark: markOf('jwt', 'eyJ', text.slice(at, to)) };
};

/** Looks for JWTs; a run that was followed to its end once is not followed again from within. */
const jwtFinder = (text: string): ((at: number) => Found | null) => {
  let end = 0;
  return (at) => {
    if (!text.startsWith('eyJ', at)) return null;
    if (at >= end) end = endOfRun(text, at, ALPHABETS.url);
    return jwtAt(text, at, end);
  };
};

/** A JSON document with a key in it, in base64: Grafana and others. */
const longAt = (text: string, at: number, end: number): Found => {
  const to = endOfRun(text, end, ALPHABETS.base64);
  return { from: at, to, kind: 'token', mark: markOf('token', 'eyJ', text.slice(at, to)) };
};

/** `digits:AA…` (Telegram), `Mxxx.xxx.xxx` (Discord), `xxx.atlasv1.xxx` (Terraform), `00Dxxx!xxx` (Salesforce): parts joined by a sign. */
const JOINED = [
  { first: [ALPHABETS.digits, 8, 10], sign: ':', rest: [ALPHABETS.url, 35, 35], begins: '', name: '' },
  { first: [ALPHABETS.alnum, 14, 14], sign: '.atlasv1.', rest: [ALPHABETS.base64, 60, 70], begins: '', name: '' },
  { first: [ALPHABETS.alnum, 15, 18], sign: '!', rest: [ALPHABETS.dotted, 80, 200], begins: '00D', name: '00D' },
  { first: [ALPHABETS.url, 23, 28], sign: '.', rest: [ALPHABETS.dotted, 34, 46], begins: 'M', name: '' },
  { first: [ALPHABETS.url, 23, 28], sign: '.', rest: [ALPHABETS.dotted, 34, 46], begins: 'N', name: '' },
  { first: [ALPHABETS.url, 23, 28], sign: '.', rest: [ALPHABETS.dotted, 34, 46], begins: 'O', name: '' },
] as const;

const joinedAt = (text: string, at: number): Found | null => {
  for (const { first, sign, rest, begins, name } of JOINED) {
    if (begins !== '' && text[at] !== begins[0]) continue;
    if (!text.startsWith(begins, at)) continue;
    const middle = endOfRun(text, at, first[0], first[2] + 1);
    if (middle - at < first[1] || middle - at > first[2] || !text.startsWith(sign, middle)) continue;
    const begin = middle + sign.length;
    const to = endOfRun(text, begin, rest[0], rest[2] + 1);
    if (to - begin < rest[1] || to - begin > rest[2] || !isRandom(text.slice(begin, to))) continue;
    return { from: at, to, kind: 'token', mark: markOf('token', name, text.slice(at, to)) };
  }
  return null;
};

/** 1Password: `A3-XXXXXX-` and five groups more. */
const SECRET_KEY = /A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}/y;

const secretKeyAt = (text: string, at: number): Found | null => {
  if (!text.startsWith('A3-', at)) return null;
  SECRET_KEY.lastIndex = at;
  const [secret] = SECRET_KEY.exec(text) ?? [];
  return secret === undefined ? null : { from: at, to: at + secret.length, kind: 'key', mark: markOf('key', 'A3-', secret) };
};

/** `starts`: where words begin. */
export const findTokens = (text: string, starts: readonly number[]): Found[] => {
  const found: Found[] = [];
  const findJwt = jwtFinder(text);
  let end = 0;
  for (const at of starts) {
    if (at < end) continue;
    const one = prefixedAt(text, at) ?? findJwt(at) ?? secretKeyAt(text, at) ?? joinedAt(text, at);
    if (one === null) continue;
    found.push(one);
    end = one.to;
  }
  return found;
};
