/**
 * One cell, one server: the connections of the host and how they belong together.
 *
 * UPSTREAM-1  The listening socket is closed to the server: it inherits its standard streams and nothing else.
 * UPSTREAM-4  The end of the first connection is the end of everything.
 */
import type { ChildProcess } from 'node:child_process';
import { createServer, type Socket } from 'node:net';
import { killChild, startChild } from './child.js';
import { HOST_LIMITS } from './limits.js';
import { eachLine, firstLine, type FirstLine } from './lines.js';
import { openNetwork, placesOf, type Network, type Place } from './network.js';
import { isToken, orderOf, type Order } from './order.js';

export interface HostOptions {
  /** In a network namespace of its own: the declared origins are served there. */
  readonly isWalled: boolean;
  /** The one directory that the server may write; `/tmp` where left out. */
  readonly home?: string;
  /** It is over; whoever runs the host ends with it, or makes another one. */
  readonly end: () => void;
}

const NO_WALL = 'airlock: development: this server is not walled off; it has the files and the network of whoever started it\n';

class Host {
  readonly #options: HostOptions;
  #control: Socket | null = null;
  #order: Order | null = null;
  #stdio: Socket | null = null;
  #onStdio: (() => void) | null = null;
  #child: ChildProcess | null = null;
  #nextId = 1;
  /** Connections of the server that the cell was told of. */
  readonly #waiting = new Map<number, Socket>();
  #open = 0;
  #network: Network | null = null;
  #isOver = false;

  constructor(options: HostOptions) {
    this.#options = options;
  }

  accept(socket: Socket): void {
    socket.on('error', () => undefined);
    if (this.#control === null) {
      this.#control = socket;
      socket.once('close', () => this.#end());
      socket.once('end', () => this.#end());
    }
    if (this.#isOver) return void socket.destroy();
    const limits = { maxBytes: HOST_LIMITS.maxLineBytes, timeoutMs: HOST_LIMITS.firstLineTimeoutMs };
    firstLine(socket, limits, (line) => this.#onFirst(socket, line));
  }

  #onFirst(socket: Socket, line: FirstLine | null): void {
    if (socket === this.#control) return void this.#start(line);
    const order = this.#order;
    if (line === null || order === null) return void socket.destroy();
    const { stdio, net, id } = line.message;
    if (isToken(stdio, order) && this.#stdio === null && line.rest.length === 0) {
      this.#stdio = socket;
      this.#onStdio?.();
    } else if (isToken(net, order) && typeof id === 'number') this.#join(socket, id, line.rest);
    else socket.destroy();
  }

  /** A stream of the cell meets the connection it was dialled for. */
  #join(stream: Socket, id: number, rest: Buffer): void {
    const local = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (local === undefined) return void stream.destroy();
    if (rest.length > 0) local.write(rest);
    local.pipe(stream);
    stream.pipe(local);
    stream.once('close', () => local.destroy());
    local.once('close', () => stream.destroy());
  }

  async #start(line: FirstLine | null): Promise<void> {
    const order = line === null ? null : orderOf(line.message);
    if (line === null || order === null || this.#control === null) return this.#fail('the order to start was not understood');
    this.#order = order;
    eachLine(
      this.#control,
      { maxBytes: HOST_LIMITS.maxLineBytes, rest: line.rest },
      ({ refused }) => this.#refuse(refused),
      () => this.#end(),
    );
    try {
      const places = placesOf(order.origins);
      if (this.#options.isWalled) this.#network = await openNetwork(places, (socket, place) => this.#dial(socket, place));
    } catch (thrown) {
      return this.#fail(thrown instanceof Error ? thrown.message : 'the network could not be made');
    }
    if (this.#stdio !== null) return this.#spawn(order, this.#stdio);
    const timer = setTimeout(() => this.#fail('no stream for standard input and output came'), HOST_LIMITS.stdioTimeoutMs);
    this.#onStdio = () => {
      clearTimeout(timer);
      if (this.#stdio !== null) this.#spawn(order, this.#stdio);
    };
  }

  #spawn(order: Order, stdio: Socket): void {
    const child = startChild(order, stdio, this.#options.home ?? '/tmp');
    this.#child = child;
    child.once('error', ({ message }) => this.#fail(`the program cannot be started: ${message}`));
    child.once('spawn', () => {
      // Ours only; the server has its own.
      stdio.destroy();
      this.#say({ started: child.pid });
      if (!this.#options.isWalled) this.#say({ stderr: NO_WALL });
    });
    child.once('exit', (code, signal) => this.#say({ exited: { code, signal } }));
    child.stderr?.on('data', (piece: Buffer) => this.#onStderr(piece));
    child.stderr?.on('error', () => undefined);
  }

  #onStderr(piece: Buffer): void {
    if ((this.#control?.writableLength ?? 0) > HOST_LIMITS.maxUnsentBytes) return;
    this.#say({ stderr: piece.subarray(-HOST_LIMITS.maxStderrBytes).toString('utf8') });
  }

  #dial(socket: Socket, { host, port }: Place): void {
    socket.on('error', () => undefined);
    if (this.#open >= HOST_LIMITS.maxConnections) return void socket.destroy();
    this.#open += 1;
    const id = this.#nextId++;
    const timer = setTimeout(() => this.#refuse(id), HOST_LIMITS.dialTimeoutMs);
    this.#waiting.set(id, socket);
    socket.once('close', () => {
      clearTimeout(timer);
      this.#open -= 1;
      this.#waiting.delete(id);
    });
    this.#say({ dial: id, host, port });
  }

  #refuse(id: unknown): void {
    if (typeof id !== 'number') return;
    this.#waiting.get(id)?.destroy();
  }

  #say(message: object): void {
    if (this.#control?.writable === true) this.#control.write(`${JSON.stringify(message)}\n`);
  }

  #fail(why: string): void {
    this.#say({ failed: why });
    this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#child !== null) killChild(this.#child);
    this.#network?.close();
    this.#stdio?.destroy();
    for (const socket of this.#waiting.values()) socket.destroy();
    this.#control?.destroySoon();
    // What was said last is written in the same turn: the socket is local.
    setImmediate(() => this.#options.end());
  }
}

export interface HostServer {
  /** Takes a connection; the first is the cell's own. */
  accept(socket: Socket): void;
}

/** A host for one cell and one server. Connections need `allowHalfOpen`. */
export const newHost = (options: HostOptions): HostServer => new Host(options);

/** Serves one cell on a listening descriptor, and ends the process with it. */
export const serveHost = (fd: number, isWalled: boolean, home: string): void => {
  const host = newHost({ isWalled, home, end: () => process.exit(0) });
  createServer({ allowHalfOpen: true }, (socket) => host.accept(socket)).listen({ fd });
};
