/**
 * The cell's side of the host (docs/spec/upstream.md): starts the program, carries its connections, hears of its end.
 *
 * UPSTREAM-3  A connection of the program is dialled to a sealed origin through egress's guard, or refused.
 */
import { randomBytes } from 'node:crypto';
import { createConnection, type Socket } from 'node:net';
import type { Egress } from '@airlock/egress';
import { AirlockError, formatOrigin, type Origin } from '@airlock/protocol';
import { ended } from './errors.js';
import { Lines } from './lines.js';
import { MCP_LIMITS } from './limits.js';
import { isMembers, type Members } from './contract.js';
import { parse } from './message.js';
import type { Streams } from './stdio-transport.js';

export interface ProgramOrder {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly origins: readonly Origin[];
  /** Secrets may leave over its connections. */
  readonly hasSecrets: boolean;
}

export interface HostOptions {
  readonly socket: string;
  /** null where no origin is declared. */
  readonly egress: Egress | null;
  readonly onStderr: (text: string) => void;
}

const notThere = (): AirlockError =>
  new AirlockError('UNAVAILABLE', 'the host of MCP servers does not answer', {
    found: 'host',
    hint: 'the operator can look at it: systemctl status "airlock-mcp@*"',
  });

const connect = (path: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = createConnection({ path, allowHalfOpen: true });
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.on('error', () => undefined);
      resolve(socket);
    });
    socket.once('error', reject);
  });

const say = (socket: Socket, message: object): void => {
  if (socket.writable)
    socket.write(`${JSON.stringify(message)}
`);
};

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** One host with one program in it. */
class HostLink implements Streams {
  readonly #order: ProgramOrder;
  readonly #options: HostOptions;
  readonly #token = randomBytes(24).toString('base64url');
  readonly #lines = new Lines(MCP_LIMITS.maxMessageBytes);
  readonly #given = new AbortController();
  #control: Socket | null = null;
  /** Connections of the program, those included that are being dialled. */
  #dialled = 0;
  #stdio: Socket | null = null;
  #listeners: ((why: Error) => void)[] = [];
  #why: Error | null = null;
  #onStarted: ((outcome: 'started' | Error) => void) | null = null;

  constructor(order: ProgramOrder, options: HostOptions) {
    this.#order = order;
    this.#options = options;
  }

  /** @returns false where this host was ending and another one has to be asked. @throws AirlockError UNAVAILABLE */
  async start(): Promise<boolean> {
    const control = await connect(this.#options.socket);
    this.#control = control;
    control.on('data', (piece: Buffer) => this.#onControl(piece));
    const outcome = new Promise<'started' | 'closed' | Error>((resolve) => {
      this.#onStarted = resolve;
      control.once('close', () => resolve('closed'));
      setTimeout(() => resolve(notThere()), MCP_LIMITS.hostStartTimeoutMs).unref();
    });
    const { argv, env, origins } = this.#order;
    say(control, { start: { argv, env, token: this.#token, origins: origins.map(formatOrigin) } });
    await this.#openStdio().catch(() => undefined);
    const found = await outcome;
    if (found === 'started' && this.#stdio !== null) {
      control.once('close', () => this.end(ended('host_ended')));
      return true;
    }
    this.end(notThere());
    if (found instanceof Error) throw found;
    return false;
  }

  write(line: string): void {
    if (this.#stdio?.writable === true) this.#stdio.write(line);
  }

  onData(listener: (piece: Buffer) => void): void {
    this.#stdio?.on('data', listener);
  }

  onEnd(listener: (why: Error) => void): void {
    if (this.#why === null) this.#listeners.push(listener);
    else listener(this.#why);
  }

  end(why: Error): void {
    if (this.#why !== null) return;
    this.#why = why;
    this.#given.abort();
    this.#control?.destroy();
    this.#stdio?.destroy();
    for (const listener of this.#listeners) listener(why);
    this.#listeners = [];
  }

  async #openStdio(): Promise<void> {
    const stdio = await connect(this.#options.socket);
    say(stdio, { stdio: this.#token });
    this.#stdio = stdio;
    // The program closed its output; nothing more can come of it.
    stdio.once('end', () => void setTimeout(() => this.end(ended('closed_output')), MCP_LIMITS.hostRetryMs));
  }

  #onControl(piece: Buffer): void {
    const lines = this.#lines.take(piece);
    for (const line of lines ?? []) {
      const message = line === null ? null : parse(line);
      if (isMembers(message)) this.#hear(message);
    }
    if (lines === null) this.end(notThere());
  }

  #hear({ started, failed, stderr, exited, dial, host, port }: Members): void {
    if (started !== undefined) this.#onStarted?.('started');
    else if (typeof failed === 'string') this.#onStarted?.(this.#failed(failed));
    else if (typeof stderr === 'string') this.#options.onStderr(stderr);
    else if (isMembers(exited)) this.#onExit(exited);
    else if (typeof dial === 'number') void this.#dial(dial, host, port);
  }

  #failed(why: string): AirlockError {
    this.#options.onStderr(why);
    return new AirlockError('UNAVAILABLE', 'the program of the server cannot be started', {
      found: 'not_started',
      hint: 'the operator can see why: airlock-ctl service stderr SERVICE',
    });
  }

  #onExit({ code, signal }: Members): void {
    const found =
      typeof signal === 'string' ? `killed_${signal.slice(0, 10)}` : `exited_${typeof code === 'number' ? code : 'unknown'}`;
    // What it said last may still be on its way.
    setImmediate(() => this.end(ended(found)));
  }

  async #dial(id: number, host: unknown, port: unknown): Promise<void> {
    const { egress, socket } = this.#options;
    const origin = this.#order.origins.find((one) => one.host === host && one.port === port);
    if (this.#control === null) return;
    if (origin === undefined || egress === null || this.#dialled >= MCP_LIMITS.maxDialled)
      return say(this.#control, { refused: id });
    this.#dialled += 1;
    try {
      const far = await egress.tunnel(origin, { signal: this.#given.signal, secret: this.#order.hasSecrets });
      far.pause();
      const near = await connect(socket).catch((thrown: unknown) => {
        far.destroy();
        throw thrown;
      });
      say(near, { net: this.#token, id });
      near.pipe(far);
      far.pipe(near);
      near.once('close', () => far.destroy());
      far.once('close', () => {
        this.#dialled -= 1;
        near.destroy();
      });
      this.#given.signal.addEventListener('abort', () => far.destroy(), { once: true });
    } catch (thrown) {
      this.#dialled -= 1;
      this.#options.onStderr(
        `airlock: ${formatOrigin(origin)}: ${thrown instanceof AirlockError ? thrown.message : 'not connected'}\n`,
      );
      say(this.#control, { refused: id });
    }
  }
}

/**
 * The streams of a program that was started.
 * @throws AirlockError UNAVAILABLE where no host answers or the program cannot be started
 */
export const startProgram = async (order: ProgramOrder, options: HostOptions): Promise<Streams> => {
  for (let attempt = 0; attempt < MCP_LIMITS.hostAttempts; attempt += 1) {
    const link = new HostLink(order, options);
    try {
      if (await link.start()) return link;
    } catch (thrown) {
      if (thrown instanceof AirlockError) throw thrown;
    }
    await wait(MCP_LIMITS.hostRetryMs);
  }
  throw notThere();
};
