/** The mailbox of one lease: a connection that is opened again when it ended, and calls one after the other. */
import type { LookupFunction } from 'node:net';
import { AirlockError, type ConnectorContext } from '@airlock/protocol';
import { refuseLineBreaks } from '../arguments.js';
import { dial, upstreamError } from '../dial.js';
import { LIMITS } from '../limits.js';
import { imapTarget } from '../target.js';
import { ImapClient, type Login } from './client.js';

/** What tests may replace. None of it can be set from settings or environment. */
export interface MailboxOptions {
  readonly lookup?: LookupFunction;
  readonly ca?: string;
  /** Is told each IMAP verb that leaves. */
  readonly onCommand?: (verb: string) => void;
  /** Ends connecting and logging in. */
  readonly loginSignal?: () => AbortSignal;
  /** false: arguments are not searched for CR, LF and NUL, to show that the wire guard stands alone. */
  readonly checkArguments?: boolean;
}

const loginOf = ({ destination, credential }: ConnectorContext): Login => {
  const password = credential['password'] ?? '';
  if (destination.user === '' || password === '') throw upstreamError('bad_credentials');
  return { user: refuseLineBreaks(destination.user, 'user'), password: refuseLineBreaks(password, 'password') };
};

export class Mailbox {
  readonly checkArguments: boolean;
  readonly #context: ConnectorContext;
  readonly #options: MailboxOptions;
  #client: ImapClient | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(context: ConnectorContext, options: MailboxOptions) {
    this.#context = context;
    this.#options = options;
    this.checkArguments = options.checkArguments ?? true;
  }

  /** Connects and logs in, where that is not done already. */
  async connect(signal: AbortSignal): Promise<ImapClient> {
    if (this.#closed) throw new AirlockError('UNAVAILABLE', 'the session is closed');
    if (this.#client?.usable === true) return this.#client;
    const { lookup, ca, onCommand, loginSignal } = this.#options;
    const both = AbortSignal.any([signal, loginSignal?.() ?? AbortSignal.timeout(LIMITS.loginMs)]);
    const login = loginOf(this.#context);
    const { socket, greeted } = await dial(imapTarget(this.#context), {
      signal: both,
      ...(lookup ? { lookup } : {}),
      ...(ca === undefined ? {} : { ca }),
    });
    this.#client = await ImapClient.login(socket, greeted, login, both, onCommand);
    return this.#client;
  }

  /** Runs a call when those before it are over: one connection, one selected folder. */
  async inTurn<T>(signal: AbortSignal, work: (client: ImapClient) => Promise<T>): Promise<T> {
    const before = this.#turn;
    const mine = (async () => {
      await before.catch(() => undefined);
      return work(await this.connect(signal));
    })();
    this.#turn = mine;
    return mine;
  }

  close(): void {
    this.#closed = true;
    this.#client?.close();
  }
}
