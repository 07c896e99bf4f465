/**
 * The body of one answer, decompressed piece by piece, given up as soon as it is too much.
 *
 * EGRESS-11  Size counts after decompression; what inflates too far, is damaged, or is coded twice or unknown is refused.
 */
import { PassThrough, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import { AirlockError } from '@airlock/protocol';
import { refused } from './errors.js';
import { MORE_LIMITS } from './limits.js';
import type { EgressLimits } from './types.js';

export const ACCEPT_ENCODING = 'gzip, deflate, br';

/** Small pieces out, so that a burst is seen early. */
const CHUNK = { chunkSize: 16 * 1024 };

/** RFC 9110 §8.4.1.2: servers send deflate with and without the zlib wrapper; its first byte tells (RFC 1950 §2.2). */
const inflateFor = (first: number): Transform => ((first & 0x0f) === 8 ? createInflate(CHUNK) : createInflateRaw(CHUNK));

const DECODERS: Readonly<Record<string, (first: number) => Transform>> = {
  '': () => new PassThrough(),
  identity: () => new PassThrough(),
  gzip: () => createGunzip(CHUNK),
  'x-gzip': () => createGunzip(CHUNK),
  deflate: inflateFor,
  br: () => createBrotliDecompress(CHUNK),
};

export interface BodyEvents {
  readonly onDone: (body: Buffer) => void;
  readonly onFail: (error: AirlockError) => void;
  /** Takes the pieces as they come; `onDone` gets an empty body then. */
  readonly onPiece?: ((piece: Buffer) => void) | undefined;
}

export class Body {
  readonly #coding: string;
  readonly #limits: EgressLimits;
  readonly #events: BodyEvents;
  #decoder: Transform | null = null;
  #pieces: Buffer[] = [];
  #inBytes = 0;
  #outBytes = 0;

  /** @throws AirlockError UPSTREAM_REFUSED for a coding that is not one of ours. */
  constructor(coding: string, limits: EgressLimits, events: BodyEvents) {
    this.#coding = coding.trim().toLowerCase();
    this.#limits = limits;
    this.#events = events;
    if (!Object.hasOwn(DECODERS, this.#coding)) throw refused('compression');
  }

  /** @returns whether more may be written at once; else `onDrain` is called when it may. */
  write(piece: Buffer, onDrain: () => void): boolean {
    if (piece.length === 0) return true;
    this.#inBytes += piece.length;
    if (this.#inBytes > this.#limits.maxBodyBytes + MORE_LIMITS.compressedSlackBytes) {
      this.#fail(refused('body_too_large'));
      return false;
    }
    this.#decoder ??= this.#open(piece[0] ?? 0);
    const isReady = this.#decoder.write(piece);
    if (!isReady) this.#decoder.once('drain', onDrain);
    return isReady;
  }

  /** The last piece was written. */
  end(): void {
    if (this.#decoder === null) this.#events.onDone(Buffer.alloc(0));
    else this.#decoder.end();
  }

  destroy(): void {
    this.#pieces = [];
    this.#decoder?.destroy();
  }

  #open(first: number): Transform {
    const decoder = (DECODERS[this.#coding] ?? DECODERS['']) as (first: number) => Transform;
    const opened = decoder(first);
    opened.on('data', (piece: Buffer) => this.#take(piece));
    opened.on('end', () => this.#events.onDone(Buffer.concat(this.#pieces)));
    opened.on('error', () => this.#fail(refused('compression')));
    return opened;
  }

  #take(piece: Buffer): void {
    this.#outBytes += piece.length;
    const { maxBodyBytes, maxInflation } = this.#limits;
    if (this.#outBytes > maxBodyBytes) return this.#fail(refused('body_too_large'));
    const bursts = this.#outBytes > MORE_LIMITS.freeInflationBytes && this.#outBytes > this.#inBytes * maxInflation;
    if (bursts) return this.#fail(refused('compression'));
    if (this.#events.onPiece === undefined) this.#pieces.push(piece);
    else this.#hand(piece, this.#events.onPiece);
  }

  #hand(piece: Buffer, onPiece: (piece: Buffer) => void): void {
    try {
      onPiece(piece);
    } catch (thrown) {
      this.#fail(thrown instanceof AirlockError ? thrown : refused('other'));
    }
  }

  #fail(error: AirlockError): void {
    this.destroy();
    this.#events.onFail(error);
  }
}
