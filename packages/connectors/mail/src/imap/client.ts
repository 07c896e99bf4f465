/** node-imap, fenced: promises instead of events, every wait ended by a signal, no text of the server in any error. */
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import Imap from 'node-imap';
import { AirlockError } from '@airlock/protocol';
import { abortError, upstreamError } from '../dial.js';
import type { ListedFolder } from '../guard/folder-line.js';
import type { Append, Piece } from '../guard/outgoing.js';
import { WireViolation } from '../guard/violation.js';
import { WireGuard } from '../guard/wire-guard.js';

export type Criterion = Imap.Criterion;

/** One message of a FETCH: what node-imap parsed (not trusted), and the bytes of the one body asked for. */
export interface Fetched {
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

export interface OpenFolder {
  readonly uidvalidity: number;
  readonly total: number;
}

export interface Login {
  readonly user: string;
  readonly password: string;
}

/** A message for a folder, which is named twice: as text, and as on the wire. */
export interface Appended extends Append {
  readonly name: string;
  readonly messageId: string;
}

const appendUnknown = ({ messageId, name }: Appended): AirlockError =>
  new AirlockError('OUTCOME_UNKNOWN', 'the draft left, and the mail server did not say whether it took it', {
    hint: `look for Message-ID ${messageId} in ${name} before saving it again`,
  });

type Done<T> = (error: Error | undefined, value?: T) => void;

/** node-imap's own timers only have to be longer than any signal. */
const NEVER_MS = 3_600_000;

const collect = (stream: Readable): Promise<Buffer> =>
  new Promise((resolve) => {
    const parts: Buffer[] = [];
    stream.on('data', (bytes: Buffer) => parts.push(bytes));
    stream.once('end', () => resolve(Buffer.concat(parts)));
    stream.once('error', () => resolve(Buffer.concat(parts)));
  });

/** One logged-in connection. Commands go one after the other. */
export class ImapClient {
  readonly #imap: Imap;
  readonly #wire: WireGuard;
  #failure: AirlockError | null = null;
  readonly #onFailure = new Set<(error: AirlockError) => void>();

  private constructor(wire: WireGuard, login: Login) {
    this.#wire = wire;
    this.#imap = new Imap({
      user: login.user,
      password: login.password,
      socket: wire,
      tls: false,
      autotls: 'never',
      keepalive: false,
      connTimeout: NEVER_MS,
      authTimeout: NEVER_MS,
    });
    this.#imap.on('error', (error: unknown) => this.#fail(error));
    this.#imap.on('close', () => this.#fail(null));
    this.#imap.on('end', () => this.#fail(null));
  }

  /**
   * @param onCommand is told each verb that leaves.
   * @throws AirlockError UPSTREAM_REFUSED (bad_credentials, imap_disabled, other), UPSTREAM_TIMEOUT.
   */
  static async login(
    socket: Socket,
    greeted: boolean,
    login: Login,
    signal: AbortSignal,
    onCommand?: (verb: string) => void,
  ): Promise<ImapClient> {
    // After STARTTLS no greeting comes, and node-imap starts at one.
    if (greeted) socket.unshift(Buffer.from('* OK .\r\n'));
    const wire = new WireGuard(socket, onCommand);
    const client = new ImapClient(wire, login);
    try {
      await client.#run<undefined>(signal, (done) => {
        client.#imap.once('ready', () => done(undefined));
        client.#imap.connect();
      });
    } catch (thrown) {
      wire.destroy();
      throw thrown;
    }
    return client;
  }

  get usable(): boolean {
    return this.#failure === null;
  }

  supports(capability: string): boolean {
    return this.#imap.serverSupports(capability);
  }

  /** EXAMINE. @throws AirlockError NOT_FOUND where the server refuses the folder. */
  async examine(folder: string, signal: AbortSignal): Promise<OpenFolder> {
    this.#imap._box = undefined;
    const box = await this.#command<Imap.Box>(signal, 'folder', (done) => this.#imap.openBox(folder, true, done));
    if (!box || !Number.isSafeInteger(box.uidvalidity)) throw upstreamError('other');
    return { uidvalidity: box.uidvalidity, total: box.messages.total };
  }

  async listFolders(signal: AbortSignal): Promise<readonly ListedFolder[]> {
    this.#wire.folders.length = 0;
    await this.#command<unknown>(signal, null, (done) => this.#imap.getBoxes(done));
    return [...this.#wire.folders];
  }

  async status(folder: string, signal: AbortSignal): Promise<{ readonly unseen: number; readonly total: number }> {
    this.#imap._box = undefined;
    const status = await this.#command<Imap.Status>(signal, 'folder', (done) => this.#imap.status(folder, done));
    return { unseen: status?.messages.unseen ?? 0, total: status?.messages.total ?? 0 };
  }

  /** UID SEARCH. @returns UIDs in the server's order. */
  async search(criteria: readonly Criterion[], signal: AbortSignal): Promise<readonly number[]> {
    const found = await this.#command<unknown>(signal, null, (done) => this.#imap.search(criteria, done));
    return Array.isArray(found) ? found.filter((uid): uid is number => Number.isSafeInteger(uid) && Number(uid) > 0) : [];
  }

  /** SEARCH RETURN (COUNT); sequence numbers stand still while it runs (RFC 3501 §7.4.1). */
  async count(criteria: readonly Criterion[], signal: AbortSignal): Promise<number> {
    const found = await this.#command<unknown>(signal, null, (done) => this.#imap.seq.esearch(criteria, ['COUNT'], done));
    const count = typeof found === 'object' && found !== null ? Number((found as { count?: unknown }).count) : NaN;
    return Number.isSafeInteger(count) ? count : 0;
  }

  /** FETCH of UIDs or of a range of sequence numbers; with a piece, only that much of the section. */
  async fetch(
    which: readonly number[] | { readonly range: string },
    options: { readonly struct: boolean; readonly piece?: Piece },
    signal: AbortSignal,
  ): Promise<readonly Fetched[]> {
    const { piece, struct } = options;
    if (piece) this.#wire.askForPiece(piece);
    const fetchOptions = { struct, size: true, ...(piece ? { bodies: piece.section } : {}) };
    const messages: Promise<Fetched>[] = [];
    await this.#run<undefined>(signal, (done) => {
      const answers = 'range' in which ? this.#imap.seq.fetch(which.range, fetchOptions) : this.#imap.fetch(which, fetchOptions);
      answers.setMaxListeners(0);
      answers.on('message', (message: NodeJS.EventEmitter) => messages.push(this.#message(message, answers)));
      answers.once('error', () => done(new Error()));
      answers.once('end', () => done(undefined));
    });
    return (await Promise.all(messages)).filter(({ attributes }) => Number.isSafeInteger(attributes['uid']));
  }

  /**
   * Adds a message to a folder, marked as a draft.
   * @throws AirlockError UPSTREAM_REFUSED and the like: nothing was added; OUTCOME_UNKNOWN once its bytes left (MAIL-36).
   */
  async append(message: Appended, signal: AbortSignal): Promise<void> {
    this.#wire.armAppend(message);
    const failure = await this.#command<undefined>(signal, null, (done) => {
      this.#imap.append(message.bytes, { mailbox: message.name, flags: ['Draft', 'Seen'] }, done);
    }).then(
      () => upstreamError('other'),
      (thrown: unknown) => thrown,
    );
    const { appendState } = this.#wire;
    // What was answered was answered, also where the connection ended behind it.
    if (appendState === 'accepted') return;
    // The guard still holds room for the bytes that nobody wanted.
    this.#failure ??= upstreamError('other');
    this.#wire.destroy();
    throw appendState === 'left' ? appendUnknown(message) : failure;
  }

  /** Logs out if it can, and closes. */
  close(): void {
    if (this.usable) this.#imap.end();
    this.#failure ??= upstreamError('other');
    setTimeout(() => this.#wire.destroy(), 250).unref();
  }

  #message(message: NodeJS.EventEmitter, answers: NodeJS.EventEmitter): Promise<Fetched> {
    let body: Promise<Buffer> = Promise.resolve(Buffer.alloc(0));
    let attributes: Readonly<Record<string, unknown>> = {};
    message.on('body', (stream: Readable) => {
      body = collect(stream);
    });
    message.on('attributes', (parsed: Readonly<Record<string, unknown>>) => {
      attributes = parsed;
    });
    return new Promise((resolve) => {
      const finish = (): void => void body.then((bytes) => resolve({ attributes, body: bytes }));
      message.once('end', finish);
      // An answer that leaves out what was asked for never ends by itself.
      answers.once('end', () => setImmediate(finish));
    });
  }

  async #command<T>(signal: AbortSignal, notFoundField: string | null, start: (done: Done<T>) => void): Promise<T | undefined> {
    return this.#run<T>(signal, (done) => {
      start((error, value) => {
        if (!error) done(undefined, value);
        else if (notFoundField === null) done(error);
        else done(new AirlockError('NOT_FOUND', 'the mailbox has no such folder', { field: `params.${notFoundField}` }));
      });
    });
  }

  #run<T>(signal: AbortSignal, start: (done: Done<T>) => void): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const finish = (error: Error | null, value?: T): void => {
        signal.removeEventListener('abort', onAbort);
        this.#onFailure.delete(finish);
        if (error === null) resolve(value);
        else reject(error);
      };
      const onAbort = (): void => {
        this.#failure ??= abortError(signal);
        this.#wire.destroy();
        finish(abortError(signal));
      };
      if (signal.aborted) return onAbort();
      if (this.#failure) return finish(this.#failure);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#onFailure.add(finish);
      try {
        start((error, value) =>
          finish(error === undefined ? null : error instanceof AirlockError ? error : upstreamError('other'), value),
        );
      } catch {
        finish(upstreamError('other'));
      }
    });
  }

  #fail(error: unknown): void {
    const ours = error instanceof WireViolation && error.side === 'client';
    this.#failure ??= ours
      ? new AirlockError('INTERNAL', 'the wire guard stopped a command that is not on its list')
      : upstreamError(this.#wire.lastRefusal ?? 'other');
    this.#wire.destroy();
    for (const reject of [...this.#onFailure]) reject(this.#failure);
  }
}
