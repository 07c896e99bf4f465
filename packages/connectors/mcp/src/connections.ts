/**
 * The connections of a service: one for a program, one for each revision that is used of a URL.
 *
 * UPSTREAM-12  A program that ended is started again at the next call, after a while where it ends again and again.
 */
import { openEgress, type Egress, type EgressOptions } from '@airlock/egress';
import { AirlockError, type Json } from '@airlock/protocol';
import { BackOff } from './back-off.js';
import type { McpContext, Place, Revision } from './contract.js';
import { asError, closed, heldBack, refused } from './errors.js';
import { startProgram } from './host-link.js';
import { HttpTransport } from './http-transport.js';
import { MCP_LIMITS } from './limits.js';
import { orderOf, placeOf } from './place.js';
import { StdioTransport, type Streams } from './stdio-transport.js';
import type { Spoken, Transport } from './transport.js';
import { Upstream } from './upstream.js';

/** What a test puts in the place of name resolution and certificates. */
export type OpenOptions = Pick<EgressOptions, 'resolve' | 'ca' | 'limits'>;

export interface ConnectionEvents {
  readonly onNotice: (method: string, params: Json) => void;
  readonly onStderr: (text: string) => void;
}

/** Both names of a refusal that says "not this revision". */
const isOtherRevision = (thrown: unknown): boolean =>
  thrown instanceof AirlockError &&
  thrown.code === 'UPSTREAM_REFUSED' &&
  /^(?:rpc |revision|status_4|not_mcp|no_answer)/.test(thrown.data.found ?? '');

const OTHER: Readonly<Record<Revision, Revision>> = { '2025-11-25': '2026-07-28', '2026-07-28': '2025-11-25' };

export class Connections {
  readonly #context: McpContext;
  readonly #events: ConnectionEvents;
  readonly #place: Place;
  readonly #egress: Egress | null;
  readonly #open = new Map<Revision, Promise<Upstream>>();
  readonly #unsupported = new Set<Revision>();
  readonly #backOff = new BackOff();
  readonly #greetedOnes = new Set<Upstream>();
  #streams: Streams | null = null;
  #isClosed = false;

  /** @throws AirlockError CONFIG_INVALID */
  constructor(context: McpContext, options: OpenOptions, events: ConnectionEvents) {
    this.#context = context;
    this.#events = events;
    this.#place = placeOf(context);
    const { origins } = this.#place;
    const limits = {
      totalTimeoutMs: MCP_LIMITS.streamTimeoutMs,
      idleTimeoutMs: MCP_LIMITS.streamTimeoutMs,
      maxBodyBytes: MCP_LIMITS.maxStreamBytes,
      ...options.limits,
    };
    this.#egress = origins.length === 0 ? null : openEgress({ ...options, origins, limits });
  }

  get hasNetwork(): boolean {
    return this.#place.origins.length > 0;
  }

  /** A connection in the wanted revision, or else in the other one. @throws AirlockError */
  async get(wanted: Revision): Promise<Upstream> {
    if (this.#isClosed) throw closed();
    if (this.#place.kind === 'program') return this.#cached('2025-11-25', () => this.#startProgram());
    for (const revision of [wanted, OTHER[wanted]]) {
      if (this.#unsupported.has(revision)) continue;
      try {
        return await this.#cached(revision, () => this.#connect(revision));
      } catch (thrown) {
        if (!isOtherRevision(thrown)) throw thrown;
        this.#unsupported.add(revision);
      }
    }
    this.#unsupported.clear();
    throw refused('revision');
  }

  /** The connection is of no use any more. */
  async drop(upstream: Upstream): Promise<void> {
    for (const [revision, opened] of this.#open) {
      if ((await opened.catch(() => null)) === upstream) this.#open.delete(revision);
    }
    this.#greetedOnes.delete(upstream);
    await upstream.close().catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#open.clear();
    this.#streams?.end(closed());
    // Those that are still greeting end with the client.
    await Promise.all([...this.#greetedOnes].map((one) => one.close()));
    await this.#egress?.close();
  }

  async #cached(revision: Revision, open: () => Promise<Upstream>): Promise<Upstream> {
    const cached = this.#open.get(revision);
    const upstream = await cached?.catch(() => null);
    if (upstream != null && !upstream.isOver) return upstream;
    if (this.#open.get(revision) === cached) this.#open.set(revision, this.#remember(revision, open()));
    return this.#open.get(revision) ?? open();
  }

  /** A failure is not kept: the next call tries again. */
  #remember(revision: Revision, opening: Promise<Upstream>): Promise<Upstream> {
    opening.catch(() => {
      if (this.#open.get(revision) === opening) this.#open.delete(revision);
    });
    return opening;
  }

  /** The transport's events reach the connection that is made of it. */
  #upstream(revision: Revision, make: (onSpoken: (spoken: Spoken) => void) => Transport): Upstream {
    let made: Upstream | null = null;
    const transport = make((spoken) => made?.hear(spoken));
    made = new Upstream(transport, revision, this.#events.onNotice);
    return made;
  }

  async #connect(revision: Revision): Promise<Upstream> {
    const { settings, credential } = this.#context;
    const egress = this.#egress;
    if (egress === null) throw refused('revision');
    let http: HttpTransport | null = null;
    const upstream = this.#upstream(revision, (onSpoken) => {
      http = new HttpTransport({ url: String(settings['url']), egress, credential }, { onSpoken });
      return http;
    });
    await this.#greeted(upstream, (version) => {
      if (http !== null) http.version = version;
    });
    this.#greetedOnes.add(upstream);
    return upstream;
  }

  async #greeted(upstream: Upstream, agreed: (version: string) => void = () => undefined): Promise<void> {
    try {
      const { revision } = await upstream.greet();
      agreed(revision);
      if (upstream.revision === '2025-11-25') await upstream.ready();
    } catch (thrown) {
      await upstream.close().catch(() => undefined);
      throw asError(thrown);
    }
  }

  /** 2025-11-25 is what programs speak; one that does not is asked in the other revision over the same streams. */
  async #startProgram(): Promise<Upstream> {
    const { clock, credential, hostSocket } = this.#context;
    if (this.#place.kind !== 'program' || hostSocket === undefined)
      throw new AirlockError('CONFIG_INVALID', 'there is no host for programs of MCP servers here', {
        hint: 'the operator can run install.sh again',
      });
    const waitMs = this.#backOff.waitMs(clock.bootMs());
    if (waitMs > 0) throw heldBack(waitMs);
    const startedMs = clock.bootMs();
    const end = (): void => this.#backOff.ended(clock.bootMs(), clock.bootMs() - startedMs);
    try {
      const { onStderr } = this.#events;
      const streams = await startProgram(orderOf(this.#place, credential), {
        socket: hostSocket,
        egress: this.#egress,
        onStderr,
      });
      streams.onEnd(end);
      if (this.#isClosed) streams.end(closed());
      this.#streams = streams;
      return await this.#greetProgram((onSpoken) => new StdioTransport(streams, { onSpoken }));
    } catch (thrown) {
      const error = asError(thrown);
      if (error.data.found === 'not_started' || error.data.found === 'host') end();
      throw error;
    }
  }

  async #greetProgram(make: (onSpoken: (spoken: Spoken) => void) => Transport): Promise<Upstream> {
    let listener: (spoken: Spoken) => void = () => undefined;
    const transport = make((spoken) => listener(spoken));
    const over = (revision: Revision): Upstream => {
      const upstream = new Upstream(transport, revision, this.#events.onNotice);
      listener = (spoken) => upstream.hear(spoken);
      return upstream;
    };
    const first = over('2025-11-25');
    try {
      await first.greet();
      await first.ready();
      return first;
    } catch (thrown) {
      if (!isOtherRevision(thrown) || transport.isOver) {
        await transport.close();
        throw asError(thrown);
      }
    }
    const second = over('2026-07-28');
    await this.#greeted(second);
    return second;
  }
}
