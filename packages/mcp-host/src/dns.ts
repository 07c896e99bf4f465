/**
 * Answers one DNS query (RFC 1035) for the declared names and nothing else. Pure.
 *
 * UPSTREAM-3  A name that is not declared does not exist; none has an IPv6 address, so that nobody waits for one.
 */

const HEADER_BYTES = 12;
const MAX_QUERY_BYTES = 512;
const TYPE_A = 1;
const CLASS_IN = 1;
/** A minute: the addresses do not change while the server lives. */
const TTL_S = 60;
const RCODE = { none: 0, nameError: 3, notImplemented: 4 } as const;

interface Question {
  readonly name: string;
  readonly type: number;
  readonly klass: number;
  /** Index behind the question. */
  readonly end: number;
}

/** null where the bytes hold no question; compression has no place in one. */
const questionOf = (query: Uint8Array): Question | null => {
  const bytes = Buffer.from(query.buffer, query.byteOffset, query.byteLength);
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = bytes[at] ?? 255; length !== 0; length = bytes[at] ?? 255) {
    if (length > 63 || at + 1 + length >= bytes.length) return null;
    labels.push(bytes.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  if (at + 5 > bytes.length) return null;
  return {
    name: labels.join('.').toLowerCase(),
    type: bytes.readUInt16BE(at + 1),
    klass: bytes.readUInt16BE(at + 3),
    end: at + 5,
  };
};

const answerOf = (address: string): Buffer => {
  const record = Buffer.alloc(16);
  record.writeUInt16BE(0xc00c, 0);
  record.writeUInt16BE(TYPE_A, 2);
  record.writeUInt16BE(CLASS_IN, 4);
  record.writeUInt32BE(TTL_S, 6);
  record.writeUInt16BE(4, 10);
  Buffer.from(address.split('.').map(Number)).copy(record, 12);
  return record;
};

/** The answer to send; null for what is no query. @param names lower-case name → IPv4 address */
export const answerDns = (query: Uint8Array, names: ReadonlyMap<string, string>): Buffer | null => {
  if (query.length < HEADER_BYTES || query.length > MAX_QUERY_BYTES) return null;
  const header = Buffer.from(query.subarray(0, HEADER_BYTES));
  const flags = header.readUInt16BE(2);
  if ((flags & 0x8000) !== 0 || header.readUInt16BE(4) !== 1) return null;
  const question = questionOf(query);
  if (question === null) return null;
  const isPlain = (flags & 0x7800) === 0 && question.klass === CLASS_IN;
  const address = names.get(question.name);
  const code = !isPlain ? RCODE.notImplemented : address === undefined ? RCODE.nameError : RCODE.none;
  const hasAnswer = code === RCODE.none && question.type === TYPE_A && address !== undefined;
  // A response, authoritative, recursion as it was asked for and available.
  header.writeUInt16BE(0x8480 | (flags & 0x7900) | code, 2);
  header.writeUInt16BE(hasAnswer ? 1 : 0, 6);
  header.writeUInt32BE(0, 8);
  const parts = [header, Buffer.from(query.subarray(HEADER_BYTES, question.end))];
  return Buffer.concat(hasAnswer ? [...parts, answerOf(address)] : parts);
};
