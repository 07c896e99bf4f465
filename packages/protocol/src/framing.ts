/**
 * Frames on a stream: JSON lines and binary frames, told apart by their first byte.
 *
 * WIRE-1  a JSON frame is one line ended by LF; a binary frame is a type (0x01–0x1f without 0x0a), a
 *         big-endian 32-bit length and that many bytes.
 * WIRE-2  a frame above its limit is refused before it is held in memory, and the reader takes nothing more.
 * WIRE-8  a kind of frame the socket does not speak is refused like garbage.
 */
import { FrameError } from './frame-error.js';
import { LIMITS } from './limits.js';

export interface JsonFrame {
  readonly kind: 'json';
  /** The line without its LF; valid until the next push unless copied. */
  readonly bytes: Buffer;
}

export interface BinaryFrame {
  readonly kind: 'binary';
  readonly type: number;
  readonly payload: Buffer;
}

/** The last frame a reader delivers: what follows it was thrown away. */
export interface RefusedFrame {
  readonly kind: 'refused';
  readonly error: FrameError;
}

export type Frame = JsonFrame | BinaryFrame | RefusedFrame;

export interface FrameLimits {
  /** Bytes of a JSON line without its LF; 0 where the socket speaks no JSON. */
  readonly maxJsonBytes: number;
  /** Bytes of a binary payload; 0 where the socket speaks no binary frames. */
  readonly maxBinaryBytes: number;
}

const LF = 0x0a;
/** Type byte and length. */
const BINARY_HEADER_BYTES = 5;
/** First allocation for a frame that arrives in pieces. */
const FIRST_HOLD_BYTES = 1024;
const NOTHING = Buffer.alloc(0);

const isBinaryType = (byte: number): boolean => byte >= 0x01 && byte <= 0x1f && byte !== LF;

/** Cuts a stream into frames. Holds at most one incomplete frame; each byte is copied at most O(1) times. */
export class FrameReader {
  readonly #limits: FrameLimits;
  #held: Buffer = NOTHING;
  #heldBytes = 0;
  #dead = false;

  constructor(limits: FrameLimits) {
    this.#limits = limits;
  }

  /** The beginning of a frame is held whose end has not come. */
  get isPartial(): boolean {
    return this.#heldBytes > 0;
  }

  /** Memory taken by the incomplete frame. */
  get heldBytes(): number {
    return this.#held.length;
  }

  /** Lets go of the incomplete frame, and takes nothing more. */
  discard(): void {
    this.#dead = true;
    this.#held = NOTHING;
    this.#heldBytes = 0;
  }

  /** Complete frames, in order. After a refused one every push returns nothing. */
  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = [];
    let at = 0;
    while (at < chunk.length && !this.#dead) at = this.#step(chunk, at, frames);
    return frames;
  }

  #step(chunk: Buffer, at: number, frames: Frame[]): number {
    const first = this.#heldBytes > 0 ? this.#held[0] : chunk[at];
    const isBinary = first !== undefined && isBinaryType(first);
    if (isBinary) return this.#stepBinary(chunk, at, frames);
    return this.#stepJson(chunk, at, frames);
  }

  #stepJson(chunk: Buffer, at: number, frames: Frame[]): number {
    const max = this.#limits.maxJsonBytes;
    if (max === 0) return this.#refuse(frames, 'FRAME_INVALID', 'this socket speaks no JSON');
    const lf = chunk.indexOf(LF, at);
    const end = lf === -1 ? chunk.length : lf;
    if (this.#heldBytes + (end - at) > max) return this.#refuse(frames, 'FRAME_TOO_LARGE', `a frame above ${max} bytes`);
    if (lf === -1) return this.#hold(chunk, at, end);
    frames.push({ kind: 'json', bytes: this.#take(chunk, at, end) });
    return lf + 1;
  }

  #stepBinary(chunk: Buffer, at: number, frames: Frame[]): number {
    const max = this.#limits.maxBinaryBytes;
    if (max === 0) return this.#refuse(frames, 'FRAME_INVALID', 'this socket speaks no binary frames');
    const missing = BINARY_HEADER_BYTES - this.#heldBytes;
    if (missing > 0 && (this.#heldBytes > 0 || chunk.length - at < missing)) {
      // Header in pieces: complete it first, the payload on the next step.
      at = this.#hold(chunk, at, Math.min(at + missing, chunk.length));
      if (this.#heldBytes < BINARY_HEADER_BYTES) return at;
    }
    const length = this.#heldBytes > 0 ? this.#held.readUInt32BE(1) : chunk.readUInt32BE(at + 1);
    if (length > max) return this.#refuse(frames, 'FRAME_TOO_LARGE', `a binary frame above ${max} bytes`);
    const end = at + BINARY_HEADER_BYTES + length - this.#heldBytes;
    if (end > chunk.length) return this.#hold(chunk, at, chunk.length);
    frames.push(this.#binaryFrame(this.#take(chunk, at, end)));
    return end;
  }

  #binaryFrame(whole: Buffer): BinaryFrame {
    return { kind: 'binary', type: whole.readUInt8(0), payload: whole.subarray(BINARY_HEADER_BYTES) };
  }

  /** The frame that ends at `end`: without a copy where it lies whole in the chunk. */
  #take(chunk: Buffer, at: number, end: number): Buffer {
    if (this.#heldBytes === 0) return chunk.subarray(at, end);
    this.#hold(chunk, at, end);
    const whole = this.#held.subarray(0, this.#heldBytes);
    this.#held = NOTHING;
    this.#heldBytes = 0;
    return whole;
  }

  /** Doubles its room, so a megabyte that comes byte by byte is copied a constant number of times. */
  #hold(chunk: Buffer, at: number, end: number): number {
    const needed = this.#heldBytes + (end - at);
    if (needed > this.#held.length) {
      const room = Buffer.allocUnsafeSlow(Math.max(FIRST_HOLD_BYTES, needed, this.#held.length * 2));
      this.#held.copy(room, 0, 0, this.#heldBytes);
      this.#held.fill(0);
      this.#held = room;
    }
    chunk.copy(this.#held, this.#heldBytes, at, end);
    this.#heldBytes = needed;
    return end;
  }

  #refuse(frames: Frame[], code: 'FRAME_INVALID' | 'FRAME_TOO_LARGE', found: string): number {
    this.discard();
    frames.push({ kind: 'refused', error: new FrameError(code, `the frame was refused: ${found}`, true, { found }) });
    return Number.MAX_SAFE_INTEGER;
  }
}

/** One binary frame. @throws RangeError for a type or a length that no reader would take. */
export const encodeBinaryFrame = (type: number, payload: Uint8Array): Buffer => {
  if (!isBinaryType(type)) throw new RangeError(`0x${type.toString(16)} is no binary frame type`);
  if (payload.length > LIMITS.maxBinaryFrameBytes) throw new RangeError('the payload is above maxBinaryFrameBytes');
  const frame = Buffer.allocUnsafeSlow(BINARY_HEADER_BYTES + payload.length);
  frame.writeUInt8(type, 0);
  frame.writeUInt32BE(payload.length, 1);
  frame.set(payload, BINARY_HEADER_BYTES);
  return frame;
};

const dropPrototypeKey = (key: string, value: unknown): unknown => (key === '__proto__' ? undefined : value);

/** Every escape of a JSON text in order, so that an escaped backslash before `ud…` is not taken for one. */
const ESCAPE = /\\(?:u(d[89a-f][0-9a-f]{2})|.)/g;

/**
 * JSON text that `parseJsonStrict` takes: lone surrogates (a cut through a pair) become U+FFFD, a `__proto__`
 * key is left out. undefined becomes `{}`, the empty result.
 */
export const encodeJsonText = (value: unknown): string => {
  if (value === undefined) return '{}';
  let text = JSON.stringify(value);
  if (text.includes('"__proto__":')) text = JSON.stringify(value, dropPrototypeKey);
  if (!text.includes('\\ud')) return text;
  return text.replace(ESCAPE, (escape, lone?: string) => (lone === undefined ? escape : '\\ufffd'));
};

/** One JSON frame with its LF. */
export const encodeJsonFrame = (value: unknown): Buffer => Buffer.from(`${encodeJsonText(value)}\n`, 'utf8');
