/**
 * The second thread of a cell: it holds the release connection and the deadline, and kills the process.
 *
 * CELL-2     The watchdog worker owns release connection and deadline, checks the main thread's heartbeat every
 *            250 ms, and kills the process with SIGKILL when any of them ends, or when the main thread stood
 *            still for 2 s.
 * RELEASE-5  One connection carries one request; its end is the end of the release.
 * RELEASE-6  The key stands in a buffer only, and is overwritten after use.
 *
 * CELL-5  After the one release order it reads no message: nothing the main thread says can hold it up.
 * CELL-6  It kills before it does anything else; not even a line in the journal comes first, which might block.
 * CELL-7  What it did not expect, an exception of its own included, kills.
 *
 * The connector parses hostile bytes on the main thread; a worker there would starve a watchdog on this one.
 */
import type { MessagePort } from 'node:worker_threads';
import { connectSocket } from '@airlock/ipc';
import {
  AirlockError,
  FRAME,
  LIMITS,
  asAirlockError,
  fromWireError,
  packBlobs,
  toWireError,
  unpackBlobs,
  type Clock,
  type ReleaseLimits,
} from '@airlock/protocol';
import { CELL_LIMITS } from './limits.js';
import { parseReleaseLimits } from './release-limits.js';
import type { NextKey, ReleaseAnswer, ReleaseOrder, WatchdogData } from './release-messages.js';

const DEK_BYTES = 32;

/** release.sock speaks binary frames only. */
const RELEASE_LIMITS = { maxFrameInBytes: 0, maxBinaryBytes: LIMITS.maxBinaryFrameBytes } as const;

export interface WatchdogOptions {
  readonly data: WatchdogData;
  readonly port: Pick<MessagePort, 'once' | 'postMessage'>;
  readonly clock: Clock;
  /** Ends the process at once. */
  readonly kill: () => void;
}

/** Kills when the counter stood still for `maxMissedChecks` checks. */
const watchHeart = (beats: SharedArrayBuffer, kill: () => void): void => {
  const counter = new Int32Array(beats);
  let last = Atomics.load(counter, 0);
  let missed = 0;
  setInterval(() => {
    const now = Atomics.load(counter, 0);
    missed = now === last ? missed + 1 : 0;
    last = now;
    if (missed >= CELL_LIMITS.maxMissedChecks) kill();
  }, CELL_LIMITS.checkBeatsEveryMs);
};

const isOver = (limits: ReleaseLimits, clock: Clock): boolean =>
  clock.wallMs() >= limits.deadlineWallMs || clock.bootMs() >= limits.deadlineBootMs;

const watchDeadline = (limits: ReleaseLimits, clock: Clock, kill: () => void): void => {
  const check = (): void => {
    if (isOver(limits, clock)) kill();
  };
  check();
  setInterval(check, CELL_LIMITS.checkDeadlineEveryMs);
};

const unexpectedFrame = (): AirlockError =>
  new AirlockError('INTERNAL', 'airlock-totp answered with a frame that is none of a release');

/** Copies the key into a buffer of its own, which can be transferred whole, and overwrites what it came in. */
const ownKey = (bytes: Buffer): Uint8Array<ArrayBuffer> => {
  const dek = new Uint8Array(bytes.length);
  dek.set(bytes);
  bytes.fill(0);
  return dek;
};

/** With the key of the next version, or without. */
const readNext = ([dek, header, wrapped]: readonly Buffer[]): NextKey | null => {
  if (dek === undefined || header === undefined || wrapped === undefined) return null;
  if (dek.length !== DEK_BYTES) throw unexpectedFrame();
  return { dek: ownKey(dek), header: Uint8Array.from(header), wrapped: Uint8Array.from(wrapped) };
};

const readGrant = (
  payload: Buffer,
): { readonly dek: Uint8Array<ArrayBuffer>; readonly limits: ReleaseLimits; readonly next: NextKey | null } => {
  const parts = unpackBlobs(payload, DEK_BYTES, 4) ?? unpackBlobs(payload, DEK_BYTES, 1);
  payload.fill(0);
  const [limits, ...rest] = parts?.blobs ?? [];
  if (parts === null || limits === undefined) throw unexpectedFrame();
  return { dek: ownKey(parts.head), limits: parseReleaseLimits(limits), next: readNext(rest) };
};

const readRefusal = (payload: Buffer): AirlockError => {
  const [text] = unpackBlobs(payload, 0, 1)?.blobs ?? [];
  if (text === undefined) return unexpectedFrame();
  try {
    return fromWireError(JSON.parse(text.toString('utf8')) as object);
  } catch {
    return unexpectedFrame();
  }
};

/** One release, from order to answer and to its end. */
class Release {
  readonly #options: WatchdogOptions;
  #state: 'waiting' | 'granted' | 'refused' = 'waiting';

  constructor(options: WatchdogOptions) {
    this.#options = options;
  }

  async begin(order: ReleaseOrder): Promise<void> {
    setTimeout(
      () => this.#refuse(new AirlockError('UNAVAILABLE', 'airlock-totp did not answer in time')),
      CELL_LIMITS.releaseTimeoutMs,
    );
    const connection = await connectSocket(this.#options.data.releaseSocket, {
      limits: RELEASE_LIMITS,
      onBinary: (type, payload) => this.#onFrame(type, payload),
      onClose: (_, reason) => this.#onEnd(reason),
    });
    connection.sendBinary(FRAME.RELEASE_REQUEST, this.#request(order));
  }

  #request({ ticket, header, wrapped, withNext }: ReleaseOrder): Buffer {
    return packBlobs(new Uint8Array(0), ticket, header, wrapped, ...(withNext ? [new Uint8Array(0)] : []));
  }

  refuse(error: AirlockError): void {
    this.#refuse(error);
  }

  #onFrame(type: number, payload: Buffer): void {
    if (this.#state !== 'waiting') return this.#options.kill();
    if (type === FRAME.REFUSED) return this.#refuse(readRefusal(payload));
    if (type !== FRAME.RELEASE_GRANT) return this.#refuse(unexpectedFrame());
    try {
      this.#grant(payload);
    } catch (thrown) {
      this.#refuse(asAirlockError(thrown));
    }
  }

  #grant(payload: Buffer): void {
    const { dek, limits, next } = readGrant(payload);
    this.#state = 'granted';
    const { clock, kill, port } = this.#options;
    watchDeadline(limits, clock, kill);
    const answer: ReleaseAnswer = { kind: 'granted', dek, limits, next };
    port.postMessage(answer, [dek.buffer, ...(next === null ? [] : [next.dek.buffer])]);
  }

  #onEnd(reason: AirlockError): void {
    if (this.#state === 'granted') this.#options.kill();
    else this.#refuse(reason);
  }

  #refuse(error: AirlockError): void {
    if (this.#state !== 'waiting') return;
    this.#state = 'refused';
    const answer: ReleaseAnswer = { kind: 'refused', error: toWireError(error) };
    this.#options.port.postMessage(answer);
  }
}

/** Runs until the process dies. */
export const runWatchdog = (options: WatchdogOptions): void => {
  const { data, port, kill } = options;
  watchHeart(data.beats, kill);
  port.once('message', (order: ReleaseOrder) => {
    const release = new Release(options);
    release.begin(order).catch((thrown: unknown) => release.refuse(asAirlockError(thrown)));
  });
};
