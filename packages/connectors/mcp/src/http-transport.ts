/**
 * Streamable HTTP: one POST for each message, whose answer is a document or a stream; in 2025-11-25 a session and a stream of its own too.
 *
 * UPSTREAM-11  A request that is given up is cancelled, and its stream closed.
 */
import type { Egress, EgressHead } from '@airlock/egress';
import { AirlockError } from '@airlock/protocol';
import type { Members } from './contract.js';
import { abortReason, asError, refused, SessionLost, Unanswered } from './errors.js';
import { HttpReader } from './http-reader.js';
import { MCP_LIMITS } from './limits.js';
import type { Id } from './message.js';
import type { Answer, Asked, Spoken, Transport, TransportEvents } from './transport.js';

export interface HttpOptions {
  readonly url: string;
  readonly egress: Egress;
  /** The credential: header name to value. */
  readonly credential: Readonly<Record<string, string>>;
}

const wait = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done, { once: true });
  });

/** What a status means where the body says nothing. Nothing was carried out but with 5xx, where nobody knows. */
const statusError = ({ status, headers }: EgressHead): AirlockError => {
  const found = `status_${status}`;
  const seconds = headers['retry-after'];
  const later = seconds !== undefined && /^[0-9]{1,4}$/.test(seconds) ? { retryAfterMs: Number(seconds) * 1000 } : {};
  if (status === 401 || status === 403) return refused('bad_credentials');
  if (status === 404) return new AirlockError('NOT_FOUND', 'there is no MCP server at this address', { found });
  if (status === 429) return new AirlockError('RATE_LIMITED', 'the server wants fewer requests', { found, ...later });
  if (status < 500) return refused(found);
  return new AirlockError('UNAVAILABLE', 'the server has a problem of its own', { found, ...later });
};

const isAborted = (signal: AbortSignal): boolean => signal.aborted;

const UNSENT: ReadonlySet<string | undefined> = new Set(['cleartext', 'address_refused', 'tls', 'no_network', 'connect']);

/** Refused before anything was sent, or nobody was there to take it. */
const isUnsent = ({ code, data }: AirlockError): boolean => code === 'PARAMS_INVALID' || UNSENT.has(data.found);

export class HttpTransport implements Transport {
  readonly #options: HttpOptions;
  readonly #events: TransportEvents;
  readonly #closing = new AbortController();
  #session: string | undefined;
  #version: string | undefined;

  constructor(options: HttpOptions, events: TransportEvents) {
    this.#options = options;
    this.#events = events;
  }

  get isOver(): boolean {
    return this.#closing.signal.aborted;
  }

  /** The version of the handshake; sent with every request after it. */
  set version(version: string) {
    this.#version = version;
  }

  async request(asked: Asked): Promise<Answer> {
    const { id, method, params, signal, headers = {}, tellCancelled, onSpoken } = asked;
    if (signal.aborted) throw abortReason(signal);
    const reader = new HttpReader(id, onSpoken);
    const body = JSON.stringify({ jsonrpc: '2.0', id, method, params });
    try {
      const head = await this.#post(body, headers, signal, reader);
      if (method === 'initialize') this.#session = head.headers['mcp-session-id'];
      return reader.answer ?? (await this.#resume(reader, head, signal));
    } catch (thrown) {
      const isGivenUp = isAborted(signal);
      if (isGivenUp && tellCancelled) void this.notify('notifications/cancelled', { requestId: id, reason: 'given up' });
      throw isGivenUp ? new Unanswered(abortReason(signal)) : thrown;
    }
  }

  async notify(method: string, params: Members): Promise<void> {
    await this.#send({ method, params });
  }

  respond(id: Id, body: object): void {
    void this.#send({ id, ...body });
  }

  listen(): void {
    void this.#follow();
  }

  async close(): Promise<void> {
    const { egress, url } = this.#options;
    if (this.#session !== undefined && !this.isOver) {
      const request = {
        method: 'DELETE',
        url,
        headers: this.#headers({}),
        signal: AbortSignal.timeout(1000),
        secret: this.#isSecret,
      } as const;
      await egress.request(request).catch(() => undefined);
    }
    this.#closing.abort();
  }

  get #isSecret(): boolean {
    return Object.keys(this.#options.credential).length > 0;
  }

  #headers(more: Readonly<Record<string, string>>): Record<string, string> {
    const own = {
      ...more,
      ...(this.#session === undefined ? {} : { 'mcp-session-id': this.#session }),
      ...(this.#version === undefined ? {} : { 'mcp-protocol-version': this.#version }),
    };
    const names = new Set([...Object.keys(own), 'content-type', 'accept'].map((name) => name.toLowerCase()));
    const credential = Object.entries(this.#options.credential).filter(([name]) => !names.has(name.toLowerCase()));
    return { ...Object.fromEntries(credential), ...own };
  }

  /** One POST, read into the reader. @throws SessionLost, Unanswered, AirlockError */
  async #post(
    body: string,
    more: Readonly<Record<string, string>>,
    signal: AbortSignal,
    reader: HttpReader,
  ): Promise<EgressHead> {
    const { egress, url } = this.#options;
    const headers = this.#headers({ ...more, 'content-type': 'application/json', accept: 'application/json, text/event-stream' });
    const heads: EgressHead[] = [];
    const receive = (found: EgressHead): ((piece: Buffer) => void) => {
      heads.push(found);
      return reader.open(found);
    };
    const both = AbortSignal.any([signal, this.#closing.signal]);
    try {
      await egress.request({ method: 'POST', url, headers, body, secret: this.#isSecret, signal: both, receive });
    } catch (thrown) {
      const [head] = heads;
      if (reader.answer !== undefined && head !== undefined) return head;
      const error = asError(thrown);
      throw head === undefined && isUnsent(error) ? error : new Unanswered(error);
    }
    return this.#checked(heads[0], reader);
  }

  #checked(head: EgressHead | undefined, reader: HttpReader): EgressHead {
    if (head === undefined) throw new Unanswered(refused('not_mcp'));
    reader.end();
    if (reader.answer !== undefined) return head;
    if (head.status === 404 && this.#session !== undefined) throw new SessionLost();
    if (head.status < 200 || head.status > 299) {
      const error = statusError(head);
      throw error.code === 'UNAVAILABLE' ? new Unanswered(error) : error;
    }
    return head;
  }

  /** The server closed a stream before its answer: it is asked for again from the last event (2025-11-25, "Resumability"). */
  async #resume(reader: HttpReader, head: EgressHead, signal: AbortSignal): Promise<Answer> {
    for (let attempt = 0; attempt < MCP_LIMITS.maxStreamAttempts && reader.lastId !== undefined; attempt += 1) {
      await wait(Math.min(MCP_LIMITS.maxStreamRetryMs, Math.max(MCP_LIMITS.minStreamRetryMs, reader.retryMs ?? 1000)), signal);
      if (signal.aborted) break;
      await this.#get(reader, signal).catch(() => undefined);
      if (reader.answer !== undefined) return reader.answer;
    }
    throw new Unanswered(signal.aborted ? abortReason(signal) : refused(head.status === 202 ? 'not_mcp' : 'no_answer'));
  }

  async #get(reader: HttpReader, signal: AbortSignal): Promise<number> {
    const { egress, url } = this.#options;
    const last: Record<string, string> = reader.lastId === undefined ? {} : { 'last-event-id': reader.lastId };
    const headers = this.#headers({ ...last, accept: 'text/event-stream' });
    const both = AbortSignal.any([signal, this.#closing.signal]);
    const request = {
      method: 'GET',
      url,
      headers,
      signal: both,
      secret: this.#isSecret,
      receive: (head: EgressHead) => reader.open(head),
    } as const;
    return (await egress.request(request)).status;
  }

  /** The stream for what belongs to no request; servers may have none (405). */
  async #follow(): Promise<void> {
    const { signal } = this.#closing;
    const reader = new HttpReader(null, (spoken: Spoken) => this.#events.onSpoken(spoken));
    for (let attempt = 0; attempt < MCP_LIMITS.maxStreamAttempts && !signal.aborted; attempt += 1) {
      const before = reader.events;
      const status = await this.#get(reader, signal).catch(() => 0);
      if (status >= 400) return;
      if (reader.events > before) attempt = 0;
      await wait(Math.min(MCP_LIMITS.maxStreamRetryMs, Math.max(MCP_LIMITS.minStreamRetryMs, reader.retryMs ?? 1000)), signal);
    }
  }

  async #send(message: object): Promise<void> {
    const reader = new HttpReader(null, () => undefined);
    await this.#post(
      JSON.stringify({ jsonrpc: '2.0', ...message }),
      {},
      AbortSignal.timeout(MCP_LIMITS.handshakeTimeoutMs),
      reader,
    ).catch(() => undefined);
  }
}
