/** A scripted SMTP server in this process that counts what it takes: honest by default, as hostile as a test wants by `answer`. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { Certified } from './certificate.js';

/** What was taken, as it was sent: dots unstuffed. */
export interface SmtpMessage {
  readonly from: string;
  readonly to: readonly string[];
  readonly data: string;
}

export interface SmtpCommand {
  /** First word of the line; CONNECT before any, CONTENT when the dot came. */
  readonly verb: string;
  readonly line: string;
}

export interface SmtpOptions {
  /** none (the default), tls from the first byte, or STARTTLS offered and wanted. */
  readonly security?: 'none' | 'tls' | 'starttls';
  readonly certified?: Certified;
  /** Login methods; PLAIN and LOGIN. */
  readonly auth?: readonly string[];
  /** SIZE that is announced. */
  readonly size?: number;
  /** Answers itself and returns true, or leaves it to the double. A CONTENT is counted before it is asked. */
  readonly answer?: (command: SmtpCommand, socket: Socket) => boolean;
}

export interface SmtpDouble {
  readonly port: number;
  /** Every line the client sent but the content, in order. */
  readonly lines: string[];
  readonly messages: SmtpMessage[];
  /** Connections that are open now. */
  open(): number;
  stop(): Promise<void>;
}

const [USER, PASSWORD] = ['ada', 'correct-horse'];
const base64 = (text: string): string => Buffer.from(text).toString('base64');

interface State {
  from: string;
  to: string[];
  isLoggedIn: boolean;
  isEncrypted: boolean;
  /** What the next line is: a command, or a step of AUTH LOGIN. */
  expects: 'command' | 'user' | 'password' | 'content';
  held: string;
}

class Session {
  readonly #options: SmtpOptions;
  readonly #double: Pick<SmtpDouble, 'lines' | 'messages'>;
  readonly #state: State = { from: '', to: [], isLoggedIn: false, isEncrypted: false, expects: 'command', held: '' };
  #socket: Socket;

  constructor(socket: Socket, options: SmtpOptions, double: Pick<SmtpDouble, 'lines' | 'messages'>) {
    this.#options = options;
    this.#double = double;
    this.#socket = socket;
    this.#state.isEncrypted = options.security === 'tls';
    this.#listen(socket);
    this.#do({ verb: 'CONNECT', line: '' }, () => this.#say('220 double ESMTP'));
  }

  #listen(socket: Socket): void {
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => this.#feed(bytes));
  }

  #say(...lines: readonly string[]): void {
    this.#socket.write(`${lines.join('\r\n')}\r\n`);
  }

  #feed(bytes: Buffer): void {
    this.#state.held += bytes.toString('latin1');
    for (;;) {
      const mark = this.#state.expects === 'content' ? '\r\n.\r\n' : '\r\n';
      const end = this.#state.held.indexOf(mark);
      if (end < 0) return;
      const text = this.#state.held.slice(0, end);
      this.#state.held = this.#state.held.slice(end + mark.length);
      if (this.#state.expects === 'content') this.#content(text);
      else this.#line(text);
    }
  }

  #do(command: SmtpCommand, honest: () => void): void {
    if (this.#options.answer?.(command, this.#socket) !== true) honest();
  }

  #content(text: string): void {
    const state = this.#state;
    state.expects = 'command';
    this.#double.messages.push({ from: state.from, to: state.to, data: `${text}\r\n`.replace(/^\.\./gm, '.') });
    [state.from, state.to] = ['', []];
    this.#do({ verb: 'CONTENT', line: '' }, () => this.#say('250 queued'));
  }

  #line(line: string): void {
    this.#double.lines.push(line);
    if (this.#state.expects !== 'command') return this.#loginStep(line);
    const verb = (/^[A-Za-z]+/.exec(line)?.[0] ?? '').toUpperCase();
    this.#do({ verb, line }, () => this.#honest(verb, line));
  }

  #loginStep(line: string): void {
    const isUser = this.#state.expects === 'user';
    const isRight = line === base64(isUser ? USER : PASSWORD);
    this.#state.expects = isUser ? 'password' : 'command';
    if (isUser) return this.#say('334 UGFzc3dvcmQ6');
    this.#loggedIn(isRight);
  }

  #loggedIn(isRight: boolean): void {
    this.#state.isLoggedIn = isRight;
    this.#say(isRight ? '235 welcome' : '535 5.7.8 wrong');
  }

  #honest(verb: string, line: string): void {
    const { state, wantsTls } = {
      state: this.#state,
      wantsTls: this.#options.security === 'starttls' && !this.#state.isEncrypted,
    };
    if (verb === 'EHLO') return this.#hello(wantsTls);
    if (verb === 'STARTTLS' && wantsTls) return this.#startTls();
    if (verb === 'QUIT') return void this.#socket.end('221 bye\r\n');
    if (wantsTls) return this.#say('530 5.7.0 STARTTLS first');
    if (verb === 'AUTH') return this.#auth(line);
    if (!state.isLoggedIn) return this.#say('530 5.7.0 log in first');
    this.#envelope(verb, line);
  }

  #hello(wantsTls: boolean): void {
    const { auth = ['PLAIN', 'LOGIN'], size } = this.#options;
    const offers = wantsTls ? ['STARTTLS'] : [`AUTH ${auth.join(' ')}`];
    const lines = ['double', '8BITMIME', ...(size === undefined ? [] : [`SIZE ${size}`]), ...offers];
    this.#say(...lines.map((line, index) => `250${index === lines.length - 1 ? ' ' : '-'}${line}`));
  }

  #startTls(): void {
    const { cert, key } = this.#options.certified ?? { cert: '', key: '' };
    const plain = this.#socket;
    plain.removeAllListeners('data');
    plain.write('220 go on\r\n', () => {
      const socket = new TLSSocket(plain, { isServer: true, secureContext: createSecureContext({ cert, key }) });
      this.#state.isEncrypted = true;
      this.#state.held = '';
      this.#listen(socket);
    });
  }

  #auth(line: string): void {
    const [, method = '', initial = ''] = line.split(' ');
    if (method === 'PLAIN') return this.#loggedIn(initial === base64(`\0${USER}\0${PASSWORD}`));
    if (method !== 'LOGIN') return this.#say('504 no such method');
    this.#state.expects = 'user';
    this.#say('334 VXNlcm5hbWU6');
  }

  #envelope(verb: string, line: string): void {
    const state = this.#state;
    const address = /<([^<>]*)>/.exec(line)?.[1] ?? '';
    if (verb === 'MAIL') [state.from, state.to] = [address, []];
    else if (verb === 'RCPT' && address.startsWith('nobody@')) return this.#say('550 5.1.1 no such user');
    else if (verb === 'RCPT') state.to.push(address);
    else if (verb === 'DATA' && state.to.length > 0) {
      state.expects = 'content';
      return this.#say('354 go on');
    } else return this.#say('503 bad sequence');
    this.#say('250 ok');
  }
}

/** Serves one connection that somebody else accepted. */
export const serveSmtp = (socket: Socket, options: SmtpOptions, double: Pick<SmtpDouble, 'lines' | 'messages'>): void => {
  new Session(socket, options, double);
};

/** Listens on 127.0.0.1; user `ada`, password `correct-horse`, and no recipient whose name is `nobody`. */
export const startSmtpDouble = async (options: SmtpOptions = {}): Promise<SmtpDouble> => {
  const double = { lines: [] as string[], messages: [] as SmtpMessage[] };
  const sockets = new Set<Socket>();
  const { cert, key } = options.certified ?? { cert: '', key: '' };
  const server = createServer((plain) => {
    sockets.add(plain);
    plain.once('close', () => sockets.delete(plain));
    plain.on('error', () => undefined);
    const socket =
      options.security === 'tls'
        ? new TLSSocket(plain, { isServer: true, secureContext: createSecureContext({ cert, key }) })
        : plain;
    serveSmtp(socket, options, double);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    ...double,
    port: (server.address() as AddressInfo).port,
    open: () => sockets.size,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
};
