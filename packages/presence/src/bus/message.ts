/** Messages of D-Bus: the header and its fields, and bodies of texts and booleans, which is all that is ever sent. */
import { PRESENCE_LIMITS } from '../limits.js';
import { Reader, typesOf, WireError, type Value } from './reader.js';

export const CALL = 1;
export const RETURN = 2;
export const ERROR = 3;
export const SIGNAL = 4;

const PROTOCOL = 1;
/** Fixed part, up to the length of the header's fields. */
const FIXED_BYTES = 16;

export interface Message {
  readonly type: number;
  readonly serial: number;
  readonly path?: string;
  readonly interface?: string;
  readonly member?: string;
  readonly errorName?: string;
  readonly replySerial?: number;
  readonly destination?: string;
  /** Set by the bus itself. */
  readonly sender?: string;
  readonly body: readonly Value[];
}

const FIELDS: Readonly<Record<number, { readonly name: keyof Message | 'signature'; readonly type: string }>> = {
  1: { name: 'path', type: 'o' },
  2: { name: 'interface', type: 's' },
  3: { name: 'member', type: 's' },
  4: { name: 'errorName', type: 's' },
  5: { name: 'replySerial', type: 'u' },
  6: { name: 'destination', type: 's' },
  7: { name: 'sender', type: 's' },
  8: { name: 'signature', type: 'g' },
};

const isLittle = (bytes: Buffer): boolean => {
  if (bytes[0] === 0x6c) return true;
  if (bytes[0] === 0x42) return false;
  throw new WireError('a message of no byte order');
};

/** Bytes of the message that begins here, which may be more than is read; null: not known yet. @throws WireError */
export const lengthOf = (bytes: Buffer): number | null => {
  if (bytes.length < FIXED_BYTES) return null;
  const little = isLittle(bytes);
  const uint32 = (at: number): number => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  if (bytes[3] !== PROTOCOL) throw new WireError('a message of another version');
  const total = FIXED_BYTES + Math.ceil(uint32(12) / 8) * 8 + uint32(4);
  if (total > PRESENCE_LIMITS.maxWireBytes) throw new WireError('a message that is too long');
  return total;
};

const TYPES: Readonly<Record<string, string>> = { o: 'string', s: 'string', g: 'string', u: 'number' };

/** A message whose body was not read yet. */
export interface Envelope extends Omit<Message, 'body'> {
  /** @throws WireError */
  readonly open: () => Message;
}

/** One whole message, as far as its header: only the bus and who it lets in write that, anybody the body. @throws WireError */
export const parseEnvelope = (bytes: Buffer): Envelope => {
  const reader = new Reader(bytes, isLittle(bytes));
  const [, type, , , , serial, fields] = ['y', 'y', 'y', 'y', 'u', 'u', 'a(yv)'].map((one) => reader.value(one));
  reader.align(8);
  const known: Record<string, Value> = {};
  for (const [code, value] of fields as readonly (readonly [number, Value])[]) {
    const field = FIELDS[code];
    if (field === undefined) continue;
    if (typeof value !== TYPES[field.type]) throw new WireError('a header field of another type');
    known[field.name] = value;
  }
  const { signature = '', ...rest } = known;
  const header = { type: Number(type), serial: Number(serial), ...rest };
  const open = (): Message => {
    const body = typesOf(String(signature)).map((one) => reader.value(one));
    if (reader.at !== bytes.length) throw new WireError('a body that is longer than its signature');
    return { ...header, body };
  };
  return { ...header, open };
};

/** One whole message. @throws WireError */
export const parseMessage = (bytes: Buffer): Message => parseEnvelope(bytes).open();

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

const padded = (bytes: Buffer, boundary: number): Buffer =>
  Buffer.concat([bytes, Buffer.alloc(Math.ceil(bytes.length / boundary) * boundary - bytes.length)]);

const stringOf = (text: string): Buffer => Buffer.concat([uint32(Buffer.byteLength(text)), Buffer.from(`${text}\0`)]);

const signatureOf = (text: string): Buffer => Buffer.from([text.length, ...Buffer.from(text), 0]);

/** A value in place behind `before`; only what is sent: s, o, g, u, b, v of these, and arrays and structs of all. */
export const append = (before: Buffer, type: string, value: Value): Buffer => {
  const at = (boundary: number, bytes: Buffer): Buffer => Buffer.concat([padded(before, boundary), bytes]);
  const code = type[0] ?? '';
  if (code === 's' || code === 'o') return at(4, stringOf(String(value)));
  if (code === 'g') return at(1, signatureOf(String(value)));
  if (code === 'y') return at(1, Buffer.from([Number(value)]));
  if (code === 'u' || code === 'b') return at(4, uint32(Number(value)));
  if (code === 'v') {
    const [inner, one] = value as readonly [string, Value];
    return append(at(1, signatureOf(inner)), inner, one);
  }
  if (code === '(' || code === '{') {
    const values = value as readonly Value[];
    return typesOf(type.slice(1, -1)).reduce((bytes, one, index) => append(bytes, one, values[index] ?? ''), padded(before, 8));
  }
  return appendArray(before, type.slice(1), value as readonly Value[]);
};

const appendArray = (before: Buffer, type: string, values: readonly Value[]): Buffer => {
  const lengthAt = Math.ceil(before.length / 4) * 4;
  const start = padded(Buffer.concat([padded(before, 4), uint32(0)]), '({xtd'.includes(type[0] ?? '') ? 8 : 1);
  const bytes = values.reduce<Buffer>((all, value) => append(all, type, value), start);
  bytes.writeUInt32LE(bytes.length - start.length, lengthAt);
  return bytes;
};

/** Little endian. `signature` is of the body. */
export const formatMessage = (message: Message, signature = 's'.repeat(message.body.length)): Buffer => {
  const body = typesOf(signature).reduce<Buffer>(
    (all, type, index) => append(all, type, message.body[index] ?? ''),
    Buffer.alloc(0),
  );
  const fields = Object.entries(FIELDS).flatMap(([code, { name, type }]): Value[] => {
    const value = name === 'signature' ? signature : (message[name] as Value | undefined);
    return value === undefined || value === '' ? [] : [[Number(code), [type, value]]];
  });
  const fixed = Buffer.from([0x6c, message.type, 0, PROTOCOL]);
  const head = append(Buffer.concat([fixed, uint32(body.length), uint32(message.serial)]), 'a(yv)', fields);
  return Buffer.concat([padded(head, 8), body]);
};
