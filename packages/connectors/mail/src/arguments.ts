/** Reads the parameters of an operation; what is unknown, of another type or out of range is refused by name. */
import { AirlockError, type Json } from '@airlock/protocol';

type Params = Readonly<Record<string, Json>>;

const LINE_BREAKING = /[\r\n\0]/;

/** @throws AirlockError PARAMS_INVALID naming the field. */
export const refuseParam = (field: string, expected: string, found: string): never => {
  throw new AirlockError('PARAMS_INVALID', `the parameter ${field} is not acceptable`, {
    field: `params.${field}`,
    expected,
    found,
  });
};

/** A checked text. @throws AirlockError PARAMS_INVALID naming the field, for CR, LF and NUL (MAIL-3). */
export const refuseLineBreaks = (text: string, field: string): string =>
  LINE_BREAKING.test(text) ? refuseParam(field, 'text without CR, LF and NUL', 'a line break or NUL') : text;

/** Parameters of one call. Every reader throws AirlockError PARAMS_INVALID with the field's name. */
export class Arguments {
  readonly #params: Params;
  readonly #checkBytes: boolean;

  /** @param checkBytes false only in tests that show the wire guard stands alone. */
  constructor(params: Params, allowed: readonly string[], checkBytes = true) {
    this.#params = params;
    this.#checkBytes = checkBytes;
    const unknown = Object.keys(params).find((name) => !allowed.includes(name));
    if (unknown !== undefined)
      refuseParam(
        unknown.slice(0, 60),
        allowed.length === 0 ? 'no parameters' : `one of ${allowed.join(', ')}`,
        'an unknown parameter',
      );
  }

  text(field: string, maxChars: number): string | undefined {
    const value = this.#params[field];
    if (value === undefined) return undefined;
    if (typeof value !== 'string') return refuseParam(field, 'a string', typeof value);
    if (value === '' || value.length > maxChars)
      return refuseParam(field, `1 to ${maxChars} characters`, `${value.length} characters`);
    if (!value.isWellFormed()) return refuseParam(field, 'well-formed text', 'a lone surrogate');
    return this.#checkBytes ? refuseLineBreaks(value, field) : value;
  }

  /** Several lines, at least one character: line feeds and tabs may stand in it, other control characters not. */
  lines(field: string, maxChars: number): string {
    const value = this.#params[field];
    if (typeof value !== 'string') return refuseParam(field, 'a string', value === undefined ? 'nothing' : typeof value);
    if (value === '' || value.length > maxChars)
      return refuseParam(field, `1 to ${maxChars} characters`, `${value.length} characters`);
    if (!value.isWellFormed() || /(?![\n\t])\p{Cc}/u.test(value))
      return refuseParam(field, 'well-formed text without control characters but line feed and tab', 'a control character');
    return value;
  }

  /** A list of texts; empty where nothing is given. */
  texts(field: string, maxItems: number): readonly string[] {
    const value = this.#params[field];
    if (value === undefined) return [];
    if (!Array.isArray(value)) return refuseParam(field, 'a list of strings', typeof value);
    if (value.length > maxItems) return refuseParam(field, `at most ${maxItems}`, String(value.length));
    return value.map((item: Json, index) =>
      typeof item === 'string' ? item : refuseParam(`${field}[${index}]`, 'a string', typeof item),
    );
  }

  required(field: string, maxChars: number): string {
    return this.text(field, maxChars) ?? refuseParam(field, 'a string', 'nothing');
  }

  folder(): string {
    return this.text('folder', 255) ?? 'INBOX';
  }

  integer(field: string, min: number, max: number, otherwise: number): number {
    const value = this.#params[field];
    if (value === undefined) return otherwise;
    if (typeof value !== 'number' || !Number.isInteger(value)) return refuseParam(field, 'an integer', typeof value);
    return value >= min && value <= max ? value : refuseParam(field, `${min} to ${max}`, String(value));
  }

  flag(field: string): boolean | undefined {
    const value = this.#params[field];
    return value === undefined || typeof value === 'boolean' ? value : refuseParam(field, 'true or false', typeof value);
  }

  /** A calendar day `YYYY-MM-DD`, as midnight of local time (what IMAP search compares with has no zone). */
  day(field: string): Date | undefined {
    const text = this.text(field, 10);
    if (text === undefined) return undefined;
    const [, year, month, date] = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(text) ?? [];
    const day = new Date(Number(year), Number(month) - 1, Number(date));
    const same = day.getFullYear() === Number(year) && day.getMonth() === Number(month) - 1 && day.getDate() === Number(date);
    return same ? day : refuseParam(field, 'a day as YYYY-MM-DD', 'something else');
  }
}
