/** Pieces of an attachment: read in transfer encoding, decoded on the way, never held as a whole. */
import type { OperationResult } from '@airlock/protocol';
import { AirlockError } from '@airlock/protocol';
import { LIMITS } from './limits.js';
import { TransferDecoder } from './mime/decode.js';
import { decodedSize, safeFilename, type Part } from './mime/part.js';

/** Reads encoded bytes of one part; fewer than asked for only at its end. */
export type ReadPiece = (offset: number, length: number) => Promise<Buffer>;

/** A place where decoding can go on. */
interface Mark {
  readonly decoded: number;
  readonly encoded: number;
  readonly rest: string;
}

const MAX_MARKS = 512;
const START: Mark = { decoded: 0, encoded: 0, rest: '' };

/** Remembers, for the attachments read in this session, how decoded and encoded offsets belong together. */
export class Marks {
  readonly #marks = new Map<string, Mark[]>();

  nearest(key: string, offset: number): Mark {
    return this.#marks.get(key)?.findLast(({ decoded }) => decoded <= offset) ?? START;
  }

  add(key: string, mark: Mark): void {
    if (!this.#marks.has(key) && this.#marks.size >= 32) this.#marks.clear();
    const marks = this.#marks.get(key) ?? [];
    if (marks.length >= MAX_MARKS || (marks.at(-1)?.decoded ?? 0) >= mark.decoded) return;
    this.#marks.set(key, [...marks, mark]);
  }
}

interface Window {
  readonly bytes: Buffer;
  /** Decoded size of the whole part, where its end was seen. */
  readonly end: number | null;
}

const readWindow = async (
  part: Part,
  read: ReadPiece,
  marks: Marks,
  key: string,
  offset: number,
  length: number,
): Promise<Window> => {
  let { decoded, encoded, rest } = marks.nearest(key, offset);
  const wanted: Buffer[] = [];
  for (;;) {
    const raw = await read(encoded, LIMITS.pieceBytes);
    const last = raw.length < LIMITS.pieceBytes;
    const decoder = new TransferDecoder(part.encoding, rest);
    const bytes = decoder.push(raw, last);
    wanted.push(bytes.subarray(Math.max(0, offset - decoded), Math.max(0, offset + length - decoded)));
    decoded += bytes.length;
    encoded += raw.length;
    rest = decoder.rest;
    if (last) return { bytes: Buffer.concat(wanted), end: decoded };
    marks.add(key, { decoded, encoded, rest });
    if (decoded >= offset + length) return { bytes: Buffer.concat(wanted), end: null };
  }
};

/** The result of get_attachment. `size` is exact once the end was reached. */
export const attachmentPiece = async (
  part: Part | null,
  read: ReadPiece,
  marks: Marks,
  key: string,
  offset: number,
  length: number,
): Promise<OperationResult> => {
  if (!part) throw new AirlockError('NOT_FOUND', 'the message has no such part', { field: 'params.part' });
  const { bytes, end } = await readWindow(part, read, marks, key, offset, length);
  const next = end === null || offset + bytes.length < end ? offset + bytes.length : null;
  const result = {
    filename: safeFilename(part.filename),
    type: part.type,
    size: end ?? Math.max(decodedSize(part), offset + bytes.length),
    size_exact: end !== null,
    offset,
    next_offset: next,
    base64: bytes.toString('base64'),
  };
  return { result, count: 1, truncated: next !== null };
};
