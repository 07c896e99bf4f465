/** Reads the parameters of an operation; what is unknown, of another type or out of range is refused by name. */
import { AirlockError, type Json } from '@airlock/protocol';
import { ianaZone, type Zone } from './zones/zone.js';

type Params = Readonly<Record<string, Json>>;

/** @throws AirlockError PARAMS_INVALID naming the field. */
export const refuse = (field: string, expected: string, found: string): never => {
  throw new AirlockError('PARAMS_INVALID', `the parameter ${field} is not acceptable`, {
    field: `params.${field}`,
    expected,
    found,
  });
};

/** Parameters of one call. Every reader throws AirlockError PARAMS_INVALID with the field's name. */
export class Arguments {
  readonly #params: Params;

  constructor(params: Params, allowed: readonly string[]) {
    this.#params = params;
    const unknown = Object.keys(params).find((name) => !allowed.includes(name));
    if (unknown !== undefined)
      refuse(
        unknown.slice(0, 60),
        allowed.length === 0 ? 'no parameters' : `one of ${allowed.join(', ')}`,
        'an unknown parameter',
      );
  }

  text(field: string, maxChars: number): string | undefined {
    const value = this.#params[field];
    if (value === undefined) return undefined;
    if (typeof value !== 'string') return refuse(field, 'a string', typeof value);
    if (value === '' || value.length > maxChars)
      return refuse(field, `1 to ${maxChars} characters`, `${value.length} characters`);
    if (!value.isWellFormed() || /\p{Cc}/u.test(value))
      return refuse(field, 'well-formed text without control characters', 'a control character');
    return value;
  }

  required(field: string, maxChars: number): string {
    return this.text(field, maxChars) ?? refuse(field, 'a string', 'nothing');
  }

  /** As `text`, where line feeds and tabs may stand; CR stands for nothing that LF does not. */
  lines(field: string, maxChars: number): string | undefined {
    const value = this.#params[field];
    if (value === undefined) return undefined;
    if (typeof value !== 'string') return refuse(field, 'a string', typeof value);
    if (value === '' || value.length > maxChars)
      return refuse(field, `1 to ${maxChars} characters`, `${value.length} characters`);
    if (!value.isWellFormed() || /(?![\n\t])\p{Cc}/u.test(value))
      return refuse(field, 'well-formed text without control characters but line feed and tab', 'a control character');
    return value;
  }

  integer(field: string, min: number, max: number, otherwise: number): number {
    const value = this.#params[field];
    if (value === undefined) return otherwise;
    if (typeof value !== 'number' || !Number.isInteger(value)) return refuse(field, 'an integer', typeof value);
    return value >= min && value <= max ? value : refuse(field, `${min} to ${max}`, String(value));
  }

  flag(field: string): boolean {
    const value = this.#params[field];
    return value === undefined || typeof value === 'boolean' ? value === true : refuse(field, 'true or false', typeof value);
  }

  /** The zone of the call: what it names, else the one given. */
  zone(otherwise: Zone): Zone {
    const name = this.text('time_zone', 64);
    if (name === undefined) return otherwise;
    return ianaZone(name) ?? refuse('time_zone', 'an IANA time zone such as Europe/Berlin', 'something else');
  }
}
