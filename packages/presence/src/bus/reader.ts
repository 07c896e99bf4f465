/**
 * Values of the D-Bus wire format (specification 0.43, "Marshaling"), little and big endian, read strictly.
 *
 * PRESENCE-9  what does not fit its signature is refused, never guessed at.
 */
import { PRESENCE_LIMITS } from '../limits.js';

/** Numbers of 64 bits are bigint, structs and arrays are arrays, dictionaries are arrays of pairs, a variant is its value. */
export type Value = number | bigint | boolean | string | readonly Value[];

/** What the bus sent is no message of this format. */
export class WireError extends Error {}

const ALIGN: Readonly<Record<string, number>> = {
  ...{ y: 1, b: 4, n: 2, q: 2, i: 4, u: 4, x: 8, t: 8, d: 8, s: 4, o: 4, g: 1, h: 4, a: 4, v: 1 },
  ...{ '(': 8, '{': 8 },
};
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '{': '}' };

const endOfGroup = (signature: string, at: number, depth: number): number => {
  const closing = CLOSING[signature[at] ?? ''];
  let next = at + 1;
  while (next < signature.length && signature[next] !== closing) next = endOfType(signature, next, depth + 1);
  if (next >= signature.length || next === at + 1) throw new WireError('a signature with an open or empty group');
  return next + 1;
};

/** Index behind the complete type that begins at `at`. @throws WireError */
export const endOfType = (signature: string, at: number, depth = 0): number => {
  const code = signature[at] ?? '';
  if (!(code in ALIGN) || depth > PRESENCE_LIMITS.maxDepth) throw new WireError('a signature that is none');
  if (code === 'a') return endOfType(signature, at + 1, depth + 1);
  return code in CLOSING ? endOfGroup(signature, at, depth) : at + 1;
};

/** The complete types of a signature. @throws WireError */
export const typesOf = (signature: string): readonly string[] => {
  const types: string[] = [];
  for (let at = 0; at < signature.length;) {
    const end = endOfType(signature, at);
    types.push(signature.slice(at, end));
    at = end;
  }
  return types;
};

export class Reader {
  readonly #bytes: Buffer;
  readonly #little: boolean;
  #at = 0;
  #depth = 0;

  constructor(bytes: Buffer, little: boolean) {
    this.#bytes = bytes;
    this.#little = little;
  }

  get at(): number {
    return this.#at;
  }

  /** Skips padding, which has to be zero. @throws WireError */
  align(boundary: number): void {
    const end = Math.ceil(this.#at / boundary) * boundary;
    const padding = this.#take(end - this.#at);
    if (padding.some((byte) => byte !== 0)) throw new WireError('padding that is not zero');
  }

  /** One value of a complete type. @throws WireError */
  value(type: string): Value {
    const code = type[0] ?? '';
    this.align(ALIGN[code] ?? 1);
    if (code === 's' || code === 'o') return this.#text(this.#uint32());
    if (code === 'g') return this.#text(this.#take(1).readUInt8());
    if (code === 'a') return this.#nested(() => this.#array(type.slice(1)));
    if (code === 'v') return this.#nested(() => this.#variant());
    if (code === '(' || code === '{') return this.#nested(() => typesOf(type.slice(1, -1)).map((one) => this.value(one)));
    return this.#number(code);
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (length < 0 || end > this.#bytes.length) throw new WireError('a value that ends behind its message');
    const part = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return part;
  }

  #uint32(): number {
    const bytes = this.#take(4);
    return this.#little ? bytes.readUInt32LE() : bytes.readUInt32BE();
  }

  #number(code: string): Value {
    if (code === 'y') return this.#take(1).readUInt8();
    if (code === 'n' || code === 'q') return this.#short(code);
    if (code === 'x' || code === 't') return this.#long(code);
    if (code === 'd') {
      const bytes = this.#take(8);
      return this.#little ? bytes.readDoubleLE() : bytes.readDoubleBE();
    }
    const value = this.#uint32();
    if (code === 'i') return value | 0;
    if (code !== 'b') return value;
    if (value > 1) throw new WireError('a boolean that is neither 0 nor 1');
    return value === 1;
  }

  #short(code: string): number {
    const bytes = this.#take(2);
    const value = this.#little ? bytes.readUInt16LE() : bytes.readUInt16BE();
    return code === 'n' ? (value << 16) >> 16 : value;
  }

  #long(code: string): bigint {
    const bytes = this.#take(8);
    const value = this.#little ? bytes.readBigUInt64LE() : bytes.readBigUInt64BE();
    return code === 'x' ? BigInt.asIntN(64, value) : value;
  }

  #text(length: number): string {
    const text = this.#take(length).toString('utf8');
    if (this.#take(1)[0] !== 0 || text.includes('\0')) throw new WireError('a text that does not end with its only zero');
    return text;
  }

  #nested<T>(read: () => T): T {
    this.#depth += 1;
    if (this.#depth > PRESENCE_LIMITS.maxDepth) throw new WireError('values nested too deep');
    const value = read();
    this.#depth -= 1;
    return value;
  }

  #array(type: string): Value {
    const length = this.#uint32();
    this.align(ALIGN[type[0] ?? ''] ?? 1);
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new WireError('an array that ends behind its message');
    const values: Value[] = [];
    while (this.#at < end) values.push(this.value(type));
    if (this.#at !== end) throw new WireError('an array that ends within a value');
    return values;
  }

  #variant(): Value {
    const signature = this.#text(this.#take(1).readUInt8());
    if (signature === '' || endOfType(signature, 0) !== signature.length) throw new WireError('a variant of no single type');
    return this.value(signature);
  }
}
