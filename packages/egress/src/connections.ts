/** The connections of one egress: each serves one request at a time, and none outlives a failure. */
import type { Client as ClientType } from 'undici';
import Client from 'undici/lib/dispatcher/client.js';
import { formatOrigin, type Origin } from '@airlock/protocol';
import { dial, type DialOptions } from './dial.js';
import { MORE_LIMITS } from './limits.js';
import type { EgressLimits } from './types.js';

export interface Connection {
  readonly client: ClientType;
  readonly origin: Origin;
  /** Served a request before; the server may have closed it meanwhile. */
  readonly isUsed: boolean;
  readonly dialling: AbortController;
}

export type Dialling = Pick<DialOptions, 'resolve' | 'ca'>;

export class Connections {
  readonly #limits: EgressLimits;
  readonly #dialling: Dialling;
  readonly #idle = new Map<string, Connection[]>();
  readonly #busy = new Set<Connection>();

  constructor(limits: EgressLimits, dialling: Dialling) {
    this.#limits = limits;
    this.#dialling = dialling;
  }

  /** A connection nobody else uses. `fresh`: not one that waited. */
  take(origin: Origin, fresh: boolean): Connection {
    const waiting = fresh ? undefined : this.#idle.get(formatOrigin(origin))?.pop();
    const connection = waiting ?? this.#open(origin);
    this.#busy.add(connection);
    return connection;
  }

  /** After an answer that was read to its end. */
  giveBack(connection: Connection): void {
    this.#busy.delete(connection);
    const key = formatOrigin(connection.origin);
    const idle = this.#idle.get(key) ?? [];
    if (connection.client.closed || idle.length >= MORE_LIMITS.maxIdleConnections) return void this.#end(connection);
    this.#idle.set(key, [...idle, { ...connection, isUsed: true }]);
  }

  /** After a failure. */
  async drop(connection: Connection): Promise<void> {
    this.#busy.delete(connection);
    await this.#end(connection);
  }

  /** Those that wait: after a failure nothing stays connected to whoever caused it. */
  async closeIdle(): Promise<void> {
    const idle = [...this.#idle.values()].flat();
    this.#idle.clear();
    await Promise.all(idle.map((connection) => this.#end(connection)));
  }

  async close(): Promise<void> {
    const busy = [...this.#busy];
    this.#busy.clear();
    await Promise.all([this.closeIdle(), ...busy.map((connection) => this.#end(connection))]);
  }

  async #end({ client, dialling }: Connection): Promise<void> {
    dialling.abort();
    await client.destroy();
  }

  #open(origin: Origin): Connection {
    const dialling = new AbortController();
    const { connectTimeoutMs, maxHeaderBytes } = this.#limits;
    const client = new Client(formatOrigin(origin), {
      connect: (_options, done) => {
        dial(origin, { ...this.#dialling, connectTimeoutMs, signal: dialling.signal }).then(
          (socket) => done(null, socket),
          (error: unknown) => done(error as Error, null),
        );
      },
      pipelining: 1,
      maxHeaderSize: maxHeaderBytes,
      keepAliveTimeout: MORE_LIMITS.keepAliveMs,
      keepAliveMaxTimeout: MORE_LIMITS.keepAliveMs,
    });
    return { client, origin, isUsed: false, dialling };
  }
}
