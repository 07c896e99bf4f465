/**
 * Secrets that only their name gives away: `api_key = "…"`, `"password": "…"`, `Authorization: Bearer …`.
 *
 * GUARD-10  the value behind a name of this kind is masked where it looks like no word, no placeholder and no reference.
 */
import { ALPHABETS, distinctChars, entropyOf, isIn, markOf, type Found } from './found.js';
import { MIN_RUN, type Look } from './look.js';

/** What the end of a name, without signs and in lower case, says about the value. */
const PASSWORD = /(?:password|passwd|passwort|kennwort|contrasena|motdepasse|passphrase|passcode|pwd|userpass|dbpass|pass)$/;
const KEY =
  /(?:secret|token|apikey|accesskey|secretkey|privatekey|authkey|encryptionkey|signingkey|masterkey|accountkey|sharedaccesskey|clientsecret|credential|credentials|accesskeyid|apisecret|keysecret|auth|authorization|bearer|authtoken|webhookkey|licensekey|sessionid|sessionkey|jwt|pat|apitoken|appkey|subscriptionkey|xapikey|key|cookie|signature|sig)$/;
/** `nextPageToken` goes back into the next call; `public_key` is none. */
const HARMLESS =
  /(?:page|next|cursor|sync|continuation|delta|max|skip|resume|checkpoint|watch|change|stream|scroll|list|search|query|history|public|pub|publishable|primary|foreign|sort|partition|cache|idempotency|unique|object|file|issue|project|item|row|entity|translation|message|lookup|group|dedup|routing|storage|blob|image|video|media|node|host|mon|tur|don|hot)$/;

type NameKind = 'password' | 'token' | 'key' | null;

/** Kinds of names, kept over texts: most names come again. Begun anew when it is full. */
const kept = new Map<string, NameKind>();
const MAX_KEPT = 4096;
/** A longer name is judged each time. */
const MAX_KEPT_NAME = 48;

const kindOfName = (name: string): NameKind => {
  if (name.length > MAX_KEPT_NAME) return judgeName(name);
  const known = kept.get(name);
  if (known !== undefined) return known;
  const kind = judgeName(name);
  if (kept.size >= MAX_KEPT) kept.clear();
  kept.set(name, kind);
  return kind;
};

const judgeName = (name: string): NameKind => {
  const plain = name.toLowerCase().replace(/[^a-z]/g, '');
  if (plain.length > 64) return null;
  if (PASSWORD.test(plain)) return /(?:by|com|com-?pass|bypass)pass$|compass$/.test(plain) ? null : 'password';
  const [word] = KEY.exec(plain) ?? [];
  if (word === undefined) return null;
  const before = plain.slice(0, plain.length - word.length);
  // `search_api_key` is a key, whatever it opens.
  if ((word === 'key' || word === 'token') && HARMLESS.test(before)) return null;
  return plain === 'key' ? 'key' : 'token';
};

/** What stands where a value will be, or comes from elsewhere. */
const REFERENCE =
  /^(?:\$|%|\{|<|\[masked|\[withheld|\*{3}|x{4}|\.{3}|#|(?:process|os|env|self|this|config|settings|secrets|vars|options|params|request|req|args|data|response|ctx|props|user|app|ssm|vault|file|arn|http|https|null|none|nil|undefined|true|false|string|str|bytes|required|optional|placeholder|redacted)(?:[.:_\-([]|$)|(?:example|sample|changeme|change_me|your|my|insert|enter|todo|dummy)[^0-9]*$)/i;

const classesOf = (value: string): number => [/[a-z]/, /[A-Z]/, /[0-9]/, /[^A-Za-z0-9]/].filter((one) => one.test(value)).length;

const isPassword = (value: string): boolean => value.length >= 6 && classesOf(value) >= 2 && distinctChars(value, 5) >= 5;

const isKey = (value: string): boolean => {
  if (value.length < 12 || !/[0-9]/.test(value) || !/[A-Za-z]/.test(value)) return false;
  // A hexadecimal digest has less of it than any other random text.
  return (
    entropyOf(value.slice(0, 128)) >= (value.length < 20 ? 3 : 2.9) && !/^[a-z]+(?:[-_.][a-z]+)*[-_.]?v?[0-9]{0,4}$/i.test(value)
  );
};

/** True for a value behind a name of this kind that is worth hiding. */
const isSecret = (kind: NameKind, value: string): boolean => {
  if (kind === null || REFERENCE.test(value) || /[()]|=>|\[['"0-9]/.test(value)) return false;
  if (kind === 'password') return isPassword(value);
  // A bare `key` names rows, objects and issues too.
  return isKey(value) && (kind === 'token' || (/^[A-Za-z0-9_+=-]{20,}$/.test(value) && entropyOf(value.slice(0, 128)) >= 3.5));
};

const MAX_NAME = 48;
const MAX_VALUE = 4096;
const SCHEMES = /(?:bearer|basic|token|bot|apikey|api-key|key|digest|negotiate|sso-key|x-amz-security-token)\s/iy;

const isQuote = (char: string | undefined): boolean => char === '"' || char === "'" || char === '`';
const isBlank = (char: string | undefined): boolean => char === ' ' || char === '\t' || char === '\u00a0';

/** `const apiToken string = "…"`: the type stands between name and sign. */
const TYPES: ReadonlySet<string> = new Set(['string', 'str', 'String', 'text', 'char', 'NSString', 'Text', 'byte', 'any']);

const nameOrTyped = (text: string, at: number): string => {
  const name = nameBefore(text, at);
  if (!TYPES.has(name)) return name;
  const before = text.lastIndexOf(name, at);
  return before > 0 ? nameBefore(text, before) : name;
};

/** A value may follow: `=` and `:`, the end of an XML tag, the comma of `set("token", "…")`. */
const isSign = (text: string, at: number): boolean => {
  const char = text[at];
  if (char === '=' || char === ':') return true;
  if (char === '>') return isIn(text, at - 1, ALPHABETS.word) && isIn(text, at + 1, ALPHABETS.base64);
  return char === ',' && isQuote(text[at - 1]) && (isQuote(text[at + 1]) || isQuote(text[at + 2]));
};

/** The name that ends before `at`: quotes, blanks and a closing bracket between are skipped. */
const nameBefore = (text: string, at: number): string => {
  let end = at;
  while (
    end > 0 &&
    at - end < 8 &&
    (isBlank(text[end - 1]) || isQuote(text[end - 1]) || '\\]>:?.'.includes(text.charAt(end - 1)))
  )
    end -= 1;
  let begin = end;
  while (begin > 0 && end - begin < MAX_NAME && isIn(text, begin - 1, ALPHABETS.dotted)) begin -= 1;
  return text.slice(begin, end);
};

const isValueEnd = (char: string): boolean => char <= ' ' || isQuote(char) || ',;<>&|'.includes(char) || char === '\u00a0';

/** The value behind the sign at `at`: where it begins and ends. */
const valueBehind = (text: string, at: number): { readonly from: number; readonly to: number } => {
  let from = at;
  while (
    from < text.length &&
    from - at < 24 &&
    (isBlank(text[from]) || isQuote(text[from]) || '=>:\\('.includes(text.charAt(from)))
  )
    from += 1;
  SCHEMES.lastIndex = from;
  const scheme = SCHEMES.exec(text)?.[0].length ?? 0;
  from += scheme;
  const quote = isQuote(text[from - 1]) ? text[from - 1] : undefined;
  let to = from;
  const last = Math.min(text.length, from + MAX_VALUE);
  // In quotes a password may hold what ends a bare one.
  while (to < last && (quote === undefined ? !isValueEnd(text.charAt(to)) : text[to] !== quote && text.charAt(to) > ' ')) to += 1;
  while (to > from && '.,;\\)]}'.includes(text.charAt(to - 1)) && quote === undefined) to -= 1;
  if (quote !== undefined && text[to - 1] === '\\') to -= 1;
  return { from, to };
};

const markOfValue = (kind: NameKind, value: string): string =>
  kind === 'password' ? '[masked password]' : markOf('token', '', value);

/** What is behind a name but has no sign of assignment. */
const BEARER = /\bbearer[ \t]{1,4}$/i;
const BEARER_CHARS = 11;

const bearerAt = (text: string, from: number, end: number): Found | null => {
  const before = text[from - 1];
  if ((before !== ' ' && before !== '\t') || !BEARER.test(text.slice(Math.max(0, from - BEARER_CHARS), from))) return null;
  const to = Math.min(end, from + MAX_VALUE);
  const value = text.slice(from, to);
  return isKey(value) ? { from, to, kind: 'token', mark: markOf('token', '', value) } : null;
};

/** Behind `bearer` and blanks stands one whole run of the characters of a token. */
const findBearers = ({ text, runs }: Look): Found[] => {
  const found: Found[] = [];
  for (let i = 0; i < runs.length; i += 2) {
    const [from = 0, to = 0] = [runs[i], runs[i + 1]];
    const one = to - from >= MIN_RUN ? bearerAt(text, from, to) : null;
    if (one !== null) found.push(one);
  }
  return found;
};

export const findAssigned = (look: Look): Found[] => {
  const found: Found[] = findBearers(look);
  const { text } = look;
  let next = 0;
  for (const at of look.signs) {
    if (at < next || !isSign(text, at)) continue;
    const kind = kindOfName(nameOrTyped(text, at));
    if (kind === null) continue;
    const { from, to } = valueBehind(text, at + 1);
    const value = text.slice(from, to);
    if (isSecret(kind, value))
      found.push({ from, to, kind: kind === 'password' ? 'password' : 'token', mark: markOfValue(kind, value) });
    next = to;
  }
  return found;
};

/** The whole value of an object's member, judged by the member's name. */
export const findInMember = (name: string, value: string): Found[] => {
  const kind = kindOfName(name);
  if (kind === null || value.length > MAX_VALUE || /\s/.test(value)) return [];
  if (!isSecret(kind, value)) return [];
  return [{ from: 0, to: value.length, kind: kind === 'password' ? 'password' : 'token', mark: markOfValue(kind, value) }];
};
