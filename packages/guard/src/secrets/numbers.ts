/**
 * Numbers with a check of their own: cards (ISO/IEC 7812-1 Annex B), IBAN (ISO 13616), US social security numbers.
 *
 * GUARD-9  a card is masked where issuer, length and Luhn's sum are right; an IBAN where country, length and mod 97 are.
 */
import { ALPHABETS, endOfRun, isIn, type Found } from './found.js';

/** Issuers' first digits (from, to) with the lengths they give out. */
const ISSUERS: readonly (readonly [number, number, readonly number[]])[] = [
  [4, 4, [13, 16, 19]],
  [51, 55, [16]],
  [2221, 2720, [16]],
  [34, 34, [15]],
  [37, 37, [15]],
  [300, 305, [14, 16]],
  [3095, 3095, [14, 16]],
  [36, 36, [14, 16, 19]],
  [38, 39, [14, 16, 19]],
  [3528, 3589, [16, 17, 18, 19]],
  [6011, 6011, [16, 17, 18, 19]],
  [644, 659, [16, 17, 18, 19]],
  [62, 62, [16, 17, 18, 19]],
  [81, 81, [16, 17, 18, 19]],
  [2200, 2204, [16, 17, 18, 19]],
  [5018, 5018, [12, 13, 14, 15, 16, 17, 18, 19]],
  [5020, 5020, [12, 13, 14, 15, 16, 17, 18, 19]],
  [5038, 5038, [12, 13, 14, 15, 16, 17, 18, 19]],
  [5893, 5893, [12, 13, 14, 15, 16, 17, 18, 19]],
  [6304, 6304, [12, 13, 14, 15, 16, 17, 18, 19]],
  [6759, 6763, [12, 13, 14, 15, 16, 17, 18, 19]],
];

const isIssued = (digits: string): boolean =>
  ISSUERS.some(([from, to, lengths]) => {
    const first = Number(digits.slice(0, String(from).length));
    return first >= from && first <= to && lengths.includes(digits.length);
  });

/** ISO/IEC 7812-1 Annex B. */
const isLuhn = (digits: string): boolean => {
  let sum = 0;
  for (let i = 0; i < digits.length; i += 1) {
    const digit = Number(digits.charAt(digits.length - 1 - i));
    sum += i % 2 === 0 ? digit : digit * 2 - (digit > 4 ? 9 : 0);
  }
  return sum % 10 === 0;
};

const MAX_CARD = 19;
const isCardSeparator = (char: string | undefined): boolean => char === ' ' || char === '-' || char === '\u00a0' || char === '.';

/** Ends of groups of digits from `at` on, with the digits so far; groups stand apart by one sign. */
const groupsAt = (text: string, at: number): { readonly to: number; readonly digits: string; readonly groups: number }[] => {
  const ends: { to: number; digits: string; groups: number }[] = [];
  let digits = '';
  let begin = at;
  let sign: string | undefined;
  while (digits.length <= MAX_CARD) {
    const to = endOfRun(text, begin, ALPHABETS.digits, MAX_CARD + 1);
    digits += text.slice(begin, to);
    ends.push({ to, digits, groups: ends.length + 1 });
    if (!isCardSeparator(text[to]) || !isIn(text, to + 1, ALPHABETS.digits) || (sign !== undefined && sign !== text[to])) break;
    sign = text[to];
    begin = to + 1;
  }
  return ends;
};

const isCardGroups = (text: string, digits: string, groups: number): boolean =>
  groups === 1 || (groups >= 3 && groups <= 5 && !/[^0-9][0-9]{1,2}[^0-9]/.test(text)) || (groups === 2 && digits.length >= 15);

const cardAt = (text: string, at: number): Found | null => {
  if (isIn(text, at - 1, ALPHABETS.word) || (text[at - 1] === '.' && isIn(text, at - 2, ALPHABETS.digits))) return null;
  for (const { to, digits, groups } of groupsAt(text, at).toReversed()) {
    if (digits.length < 12 || digits.length > MAX_CARD || isIn(text, to, ALPHABETS.word)) continue;
    if (!isCardGroups(text.slice(at, to), digits, groups) || !isIssued(digits) || !isLuhn(digits)) continue;
    if (/^(.)\1+$/.test(digits)) continue;
    return { from: at, to, kind: 'card', mark: `[masked card …${digits.slice(-4)}]` };
  }
  return null;
};

/** Lengths of the countries' numbers: SWIFT IBAN Registry, release 99. */
const IBAN_LENGTHS: Readonly<Record<string, number>> = Object.fromEntries(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 ' +
    'FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 ' +
    'LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 ' +
    'SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

/** ISO 7064 MOD 97-10 over the rearranged characters. */
const isMod97 = (iban: string): boolean => {
  let rest = 0;
  for (const char of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(char, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
};

const ibanAt = (text: string, at: number): Found | null => {
  const country = text.slice(at, at + 2).toUpperCase();
  const length = IBAN_LENGTHS[country];
  if (length === undefined || !isIn(text, at + 2, ALPHABETS.digits) || !isIn(text, at + 3, ALPHABETS.digits)) return null;
  let iban = '';
  let to = at;
  while (iban.length < length) {
    if (isIn(text, to, ALPHABETS.alnum)) iban += text.charAt(to);
    else if (!(isCardSeparator(text[to]) && isIn(text, to + 1, ALPHABETS.alnum))) return null;
    to += 1;
  }
  if (isIn(text, to, ALPHABETS.word) || !isMod97(iban.toUpperCase())) return null;
  return { from: at, to, kind: 'iban', mark: `[masked iban ${country}…${iban.slice(-4)}]` };
};

const SSN_WORDS = /\bssn\b|social security|soc\.? sec/i;
const SSN = /([0-9]{3})([-. ]?)([0-9]{2})\2([0-9]{4})(?![0-9A-Za-z_]|[-.][0-9])/y;

/** SSA POMS RM 10201.035: areas 000, 666 and from 900 on, group 00 and serial 0000 are never given out. */
const ssnAt = (text: string, at: number): Found | null => {
  if (isIn(text, at - 1, ALPHABETS.url) || (text[at - 1] === '.' && isIn(text, at - 2, ALPHABETS.digits))) return null;
  SSN.lastIndex = at;
  const [whole, area = '', separator, group, serial = ''] = SSN.exec(text) ?? [];
  if (whole === undefined || ['000', '666'].includes(area) || area.startsWith('9') || group === '00' || serial === '0000')
    return null;
  if (separator !== '-' && !SSN_WORDS.test(text.slice(Math.max(0, at - 40), at))) return null;
  return { from: at, to: at + whole.length, kind: 'ssn', mark: '[masked ssn]' };
};

const MIN_GROUP = 4;
const SSN_DIGITS = 9;

/** True where enough digits follow, with single signs between, for the shortest of them. */
const isLong = (text: string, at: number): boolean => {
  let digits = 0;
  for (let to = at; digits < SSN_DIGITS; to += 1) {
    if (isIn(text, to, ALPHABETS.digits)) digits += 1;
    else if (!isCardSeparator(text[to]) || !isIn(text, to + 1, ALPHABETS.digits)) return false;
  }
  return true;
};

/** Nearly every word is neither: looked at by two characters before anything else. */
const numberAt = (text: string, at: number): Found | null => {
  if (!isIn(text, at, ALPHABETS.digits))
    return isIn(text, at + 2, ALPHABETS.digits) && isIn(text, at + 3, ALPHABETS.digits) ? ibanAt(text, at) : null;
  if (!isIn(text, at + 1, ALPHABETS.digits) || !isIn(text, at + 2, ALPHABETS.digits) || !isLong(text, at)) return null;
  return ssnAt(text, at) ?? (isIn(text, at + MIN_GROUP - 1, ALPHABETS.digits) ? cardAt(text, at) : null);
};

/** `starts`: where words begin. */
export const findNumbers = (text: string, starts: readonly number[]): Found[] => {
  const found: Found[] = [];
  let end = 0;
  for (const at of starts) {
    const one = at < end ? null : numberAt(text, at);
    if (one === null) continue;
    found.push(one);
    end = one.to;
  }
  return found;
};
