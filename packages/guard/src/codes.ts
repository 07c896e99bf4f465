/**
 * One-time codes, and links that sign in or reset a password, in mail: who reads them can take over an account.
 *
 * GUARD-11  a code is withheld where the text around it says what it is for; a link where it or the text says so and it
 *           carries a token.
 */
import { ALPHABETS, endOfRun, isIn, type Found } from './secrets/found.js';
import { SEEN, type Look } from './secrets/look.js';
import { endOfUrl } from './secrets/addresses.js';

/** Words that leave no doubt. Each alternative is a literal, so that matching is linear. */
const STRONG =
  /verification code|verify code|confirmation code|confirm code|security code|login code|log-in code|sign-in code|signin code|sign in code|access code|auth(?:entication|orization)? code|one[- ]time|single[- ]use code|passcode|\botp\b|2fa|two[- ]factor|two[- ]step|two step|temporary code|activation code|recovery code|device code|pairing code|code to (?:verify|confirm|sign|log|complete|reset)|verification pin|your pin|your code|(?:bestätigungs|sicherheits|verifizierungs|anmelde|einmal|freischalt|zugangs|aktivierungs)-?(?:code|kennwort|passwort|pin)|\bm?tan\b|code de (?:vérification|sécurité|confirmation|connexion)|code (?:à usage unique|secret|d'accès)|código de (?:verificación|seguridad|verificação|segurança|acesso|acceso|confirmación|confirmação)|codice di (?:verifica|sicurezza|accesso|conferma)|verificatiecode|bevestigingscode|beveiligingscode|kod weryfikacyjny|kod potwierdzający|doğrulama kodu|onay kodu|код подтверждения|код безопасности|проверочный код|код для входа|验证码|驗證碼|校验码|認証コード|確認コード|ワンタイム|인증번호|인증 ?코드|確認碼|รหัส otp|mã xác (?:minh|nhận)|kode verifikasi|engångskod|verifieringskod|bekræftelseskode|vahvistuskoodi|ověřovací kód|ellenőrző kód/giu;
/** Words that may mean anything; the code must follow closely. */
const WEAK = /\b(?:code|codes|pin|kod|código|codice|код|kode|kód)\b/giu;
const OTHER_CODES =
  /(?:zip|postal|post|area|country|error|status|source|promo|promotion|discount|coupon|voucher|product|qr|bar|dress|exit|tracking|booking|reservation|order|response|http|dialing|dial|sort|swift|bank|building|color|colour|class|course|item|party|reference|ref|morse|gift|referral|invite|unicode|key|language|currency|airport|sample|example|tax|branch|job|unit|python|java|legacy|open)[- ]$/iu;

const STRONG_BEFORE = 160;
const STRONG_AFTER = 80;
const WEAK_AFTER = 32;

/** Places in the text around which a code may stand. */
interface Zone {
  readonly from: number;
  readonly to: number;
}

/** Each alternative of STRONG and WEAK holds one of these in lower case; in most texts none stands. */
const STEMS =
  /code|otp|2fa|two|time|tan|pin|wort|digo|codice|kod|код|验证|驗證|校验|認証|確認|ワンタイム|인증|รหัส|mã|engångs|verifi|bekræft|vahvistus|ověř|ellenőrz/;

const zonesOf = (text: string): Zone[] => {
  if (!STEMS.test(text.toLowerCase())) return [];
  const strong = [...text.matchAll(STRONG)].map(({ 0: word, index }) => ({
    from: index - STRONG_AFTER,
    to: index + word.length + STRONG_BEFORE,
  }));
  const weak = [...text.matchAll(WEAK)]
    .filter(({ index }) => !OTHER_CODES.test(text.slice(Math.max(0, index - 16), index)))
    .map(({ 0: word, index }) => ({ from: index, to: index + word.length + WEAK_AFTER }));
  return [...strong, ...weak].sort((a, b) => a.from - b.from);
};

/** The first zone that ends behind `at`, and whether it has begun: zones and candidates are both in order. */
const inZone = (zones: readonly Zone[], at: number): boolean => {
  let low = 0;
  let high = zones.length;
  // Zones are short and alike in length, so looking at the few that begin before `at` is enough.
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((zones[middle]?.from ?? Infinity) <= at) low = middle + 1;
    else high = middle;
  }
  for (let i = low - 1; i >= Math.max(0, low - 8); i -= 1) if ((zones[i]?.to ?? -1) >= at) return true;
  return false;
};

const MIN_CODE = 4;
const MAX_CODE = 10;
const isDigits = (code: string): boolean => /^[0-9]+$/.test(code);

/** A year, or the part of a date, price, time, phone or version. */
const isOtherNumber = (text: string, from: number, to: number, code: string): boolean => {
  const before = text.charAt(from - 1) || ' ';
  if ('$€£¥+/.,#@&_'.includes(before)) return true;
  if (before === ':' && isIn(text, from - 2, ALPHABETS.digits)) return true;
  if ('/:@%_€'.includes(text.charAt(to) || ' ')) return true;
  if ('.,'.includes(text.charAt(to) || ' ') && isIn(text, to + 1, ALPHABETS.alnum)) return true;
  return code.length === 4 && /^(?:19|20)[0-9]{2}$/.test(code);
};

/** `123456`, `123-456`, `123 456`, `G-123456`, `A1B2C3`, `ABCD-1234`. */
const codeAt = (text: string, from: number): { readonly to: number; readonly code: string } | null => {
  let to = endOfRun(text, from, ALPHABETS.alnum, MAX_CODE + 1);
  let code = text.slice(from, to);
  if ((text[to] === '-' || text[to] === ' ') && isIn(text, to + 1, ALPHABETS.alnum)) {
    const end = endOfRun(text, to + 1, ALPHABETS.alnum, MAX_CODE + 1);
    const second = text.slice(to + 1, end);
    const isPair = isDigits(code) && isDigits(second) && second.length === code.length && code.length >= 2 && code.length <= 4;
    const isPrefixed = text[to] === '-' && /^[A-Z0-9]{1,5}$/.test(code) && /^[A-Z0-9]{3,6}$/.test(second) && /[0-9]/.test(second);
    if ((isPair || isPrefixed) && !isIn(text, end, ALPHABETS.url)) [to, code] = [end, code + second];
  }
  if (isIn(text, to, ALPHABETS.url) || code.length < MIN_CODE || code.length > MAX_CODE) return null;
  if (isDigits(code)) return code.length <= 8 || text[from + 3] === '-' ? { to, code } : null;
  return /^[A-Z0-9]{5,10}$/.test(code) && /[0-9]/.test(code) ? { to, code } : null;
};

/** A code has a digit, or its second part behind a dash. */
const hasDigit = (text: string, from: number): boolean => {
  const last = from + 2 * (MAX_CODE + 1);
  let dashes = 0;
  for (let at = from; at <= last; at += 1) {
    if (isIn(text, at, ALPHABETS.digits)) return true;
    if (isIn(text, at, ALPHABETS.alnum)) continue;
    dashes += 1;
    if (text[at] !== '-' || dashes > 1) return false;
  }
  return false;
};

const codesIn = (text: string, words: readonly number[]): Found[] => {
  const found: Found[] = [];
  for (const at of words) {
    if (!isIn(text, at, ALPHABETS.upper) || isIn(text, at - 1, ALPHABETS.url) || !hasDigit(text, at)) continue;
    const one = codeAt(text, at);
    if (one === null || isOtherNumber(text, at, one.to, one.code)) continue;
    found.push({ from: at, to: one.to, kind: 'code', mark: '[withheld: one-time code]' });
  }
  return found;
};

/** What looks like a code is found first: it is rarer than the words around it, and quicker to find. */
const findCodes = ({ text, seen, words }: Look): Found[] => {
  const codes = (seen & SEEN.digit) === 0 ? [] : codesIn(text, words);
  if (codes.length === 0) return codes;
  const zones = zonesOf(text);
  let end = 0;
  return codes.filter(({ from, to }) => {
    if (from < end || !inZone(zones, from)) return false;
    end = to;
    return true;
  });
};

/** In the address itself. */
const LINK_WORDS =
  /reset|passw|passwd|recover|forgot|magic|verif|confirm|activat|sign-?in|log-?in|auth|invit|otp|unlock|one-?time|\btoken\b|token=|ticket=|passkey|welcome|join|session|oob|callback|zuruecksetzen|bestaetig|restablecer|reinitialis|action=/i;
/** In the text before it. */
const LINK_CONTEXT =
  /reset (?:your|the|my) pass|reset link|password reset|forgot(?:ten)? (?:your )?pass|new password|change your password|set (?:up )?(?:your|a) (?:new )?pass|magic link|sign[- ]?in|log[- ]?in|verify (?:your|the|this)|confirm (?:your|the|this)|activate (?:your|the)|email verification|account recovery|unlock your|passwort (?:zurück|ändern|vergessen)|bestätig|anmelde|réinitialis|connexion|confirmez|restablecer|contraseña|confirma|verifica|redefinir|reimposta|wachtwoord|hasł|parola|сброс|парол|подтверд|パスワード|密码|비밀번호/iu;
const CONTEXT_CHARS = 240;

/** A part is a token from so many characters on. */
const MIN_TOKEN = 16;
const isToken = (part: string): boolean =>
  part.length >= MIN_TOKEN &&
  distinctChars(part) &&
  /[0-9]/.test(part) &&
  /[A-Za-z]/.test(part) &&
  !/^[0-9]{4}-[0-9]{2}/.test(part);
const distinctChars = (part: string): boolean => new Set(part.slice(0, 64)).size >= 8;

/** A named value of a query is a token from six characters on. */
const NAMED =
  /[?&#;](?:token|code|key|otp|t|k|sig|signature|oobcode|ticket|auth|hash|secret|c|confirmation_token|reset_password_token)=([^&#;]{6,})/i;

const carriesToken = (address: string): boolean => {
  if (address.length < MIN_TOKEN && !address.includes('=')) return false;
  const value = NAMED.exec(address)?.[1];
  if (value !== undefined && /[0-9]/.test(value)) return true;
  return address.split(/[/?&=#;]/).some(isToken);
};

/** The host stays, so that a reader knows who sent it. */
const linkAt = (text: string, at: number): Found | { readonly to: number } => {
  const to = endOfUrl(text, at);
  const host = at + text.slice(at, at + 300).indexOf('://') + 3;
  const path = text.slice(host, to).search(/[/?#]/);
  if (path === -1) return { to };
  const address = text.slice(host + path, to);
  if (!carriesToken(address.slice(0, 4096))) return { to };
  const context = text.slice(Math.max(0, at - CONTEXT_CHARS), at);
  if (!LINK_WORDS.test(address.slice(0, 4096)) && !LINK_CONTEXT.test(context)) return { to };
  return { from: host + path, to, kind: 'link', mark: '/[withheld: sign-in link]' };
};

const SCHEME = /https?:\/\//gi;

const findLinks = (text: string): Found[] => {
  const found: Found[] = [];
  SCHEME.lastIndex = 0;
  for (let match = SCHEME.exec(text); match !== null; match = SCHEME.exec(text)) {
    const link = linkAt(text, match.index);
    if ('kind' in link) found.push(link);
    SCHEME.lastIndex = Math.max(link.to, match.index + 8);
  }
  return found;
};

/** Codes and links that a mail should not hand to an agent. */
export const findCodesAndLinks = (look: Look): Found[] => {
  const codes = findCodes(look);
  return look.text.includes('://') ? [...findLinks(look.text), ...codes] : codes;
};
