/**
 * One request and its answer over one connection.
 *
 * EGRESS-10  Headers, body, silence and the whole are bounded; what goes beyond is refused and the connection closed.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Client, Dispatcher } from 'undici';
import { abortError, fromExchange, refused, timedOut } from './errors.js';
import { Body } from './body.js';
import { isRedirect } from './target.js';
import type { EgressLimits, EgressMethod, EgressRequest } from './types.js';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface Asked {
  readonly method: EgressMethod;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | undefined;
  readonly signal: AbortSignal;
  readonly limits: EgressLimits;
  readonly receive?: EgressRequest['receive'];
}

interface Progress {
  /** The server had said nothing. */
  readonly isSilent: boolean;
  /** Bytes of the request may have left. */
  readonly hasLeft: boolean;
}

/** A failure, and how far the exchange had come. */
export class ExchangeFailure extends Error implements Progress {
  readonly thrown: unknown;
  readonly isSilent: boolean;
  readonly hasLeft: boolean;

  constructor(thrown: unknown, { isSilent, hasLeft }: Progress) {
    super('an exchange failed');
    this.thrown = thrown;
    this.isSilent = isSilent;
    this.hasLeft = hasLeft;
  }
}

const firstValues = (headers: IncomingHttpHeaders): Record<string, string> => {
  const entries = Object.entries(headers).flatMap(([name, value]) => {
    const first = Array.isArray(value) ? value[0] : value;
    return first === undefined ? [] : [[name.toLowerCase(), first] as const];
  });
  return Object.fromEntries(entries);
};

/** RFC 9110 §6.4.1: whatever their headers say, these have no body. */
const hasNoBody = (method: EgressMethod, status: number): boolean => method === 'HEAD' || status === 204 || status === 304;

class Receiver implements Dispatcher.DispatchHandler {
  readonly #asked: Asked;
  readonly #resolve: (answer: Answer) => void;
  readonly #reject: (failure: ExchangeFailure) => void;
  #controller: Dispatcher.DispatchController | null = null;
  #hasLeft = false;
  #status = 0;
  #headers: Record<string, string> = {};
  #body: Body | null = null;
  /** Runs from the request to the end of the headers, then from piece to piece. */
  #silence: NodeJS.Timeout | null = null;

  constructor(asked: Asked, resolve: (answer: Answer) => void, reject: (failure: ExchangeFailure) => void) {
    this.#asked = asked;
    this.#resolve = resolve;
    this.#reject = reject;
    asked.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#asked.signal.aborted) return this.#onAbort();
    this.#hasLeft = true;
    this.#silence = setTimeout(() => this.#fail(timedOut('idle')), this.#asked.limits.idleTimeoutMs);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // 1xx come before the answer (RFC 9110 §15.2).
    if (status < 200) return;
    this.#silence?.refresh();
    const { method, limits } = this.#asked;
    this.#status = status;
    this.#headers = firstValues(headers);
    const isEmpty = hasNoBody(method, status);
    if (!isEmpty && Number(this.#headers['content-length']) > limits.maxBodyBytes) throw refused('body_too_large');
    this.#body = new Body(isEmpty ? '' : (this.#headers['content-encoding'] ?? ''), limits, {
      onDone: (body) => this.#done(body),
      onFail: (error) => this.#fail(error),
      onPiece: this.#receiver(),
    });
  }

  #receiver(): ((piece: Buffer) => void) | undefined {
    const { receive } = this.#asked;
    if (receive === undefined || isRedirect(this.#status, this.#headers['location'])) return undefined;
    return receive({ status: this.#status, headers: this.#headers });
  }

  onResponseData(controller: Dispatcher.DispatchController, piece: Buffer): void {
    this.#silence?.refresh();
    if (this.#body?.write(piece, () => controller.resume()) === false) controller.pause();
  }

  onResponseEnd(): void {
    this.#body?.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, thrown: Error): void {
    this.#fail(thrown);
  }

  readonly #onAbort = (): void => this.#fail(abortError(this.#asked.signal));

  #done(body: Buffer): void {
    this.#release();
    this.#resolve({ status: this.#status, headers: this.#headers, body });
  }

  #fail(thrown: unknown): void {
    this.#release();
    this.#body?.destroy();
    // First, because to abort reports a failure again, and only the first counts.
    this.#reject(new ExchangeFailure(thrown, { isSilent: this.#status === 0, hasLeft: this.#hasLeft }));
    if (this.#controller?.aborted === false) this.#controller.abort(new Error('given up'));
  }

  #release(): void {
    if (this.#silence !== null) clearTimeout(this.#silence);
    this.#asked.signal.removeEventListener('abort', this.#onAbort);
  }
}

/** @throws ExchangeFailure; the connection is of no more use then. */
export const exchange = (client: Client, asked: Asked): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { method, path, headers, body } = asked;
    client.dispatch(
      {
        method,
        path,
        headers,
        body: body ?? null,
        // Ours are exact; those of undici tick twice a second.
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      new Receiver(asked, resolve, reject),
    );
  });

/** What a caller sees of a failure. */
export const failureError = (thrown: unknown): Error => fromExchange(thrown instanceof ExchangeFailure ? thrown.thrown : thrown);
