/** A scripted IMAP server in this process: honest by default, as hostile as a test wants by `answer`. Speaks X-GM-EXT-1. */
import { createServer, type Socket } from 'node:net';

export interface DoubleMessage {
  readonly uid: number;
  readonly headers: string;
  readonly structure?: string;
  /** Bodies by section number. */
  readonly sections?: Readonly<Record<string, string>>;
  readonly seen?: boolean;
}

export interface DoubleOptions {
  readonly greeting?: string | Buffer;
  readonly capabilities?: string;
  readonly messages?: DoubleMessage[];
  readonly uidvalidity?: number;
  /** Answers a command itself and returns true, or leaves it to the double. */
  readonly answer?: (command: { readonly tag: string; readonly verb: string; readonly line: string }, socket: Socket) => boolean;
}

export interface ImapDouble {
  readonly port: number;
  /** Every line the client sent, in order. */
  readonly lines: string[];
  stop(): Promise<void>;
}

export const GMAIL_CAPABILITIES =
  'IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 UIDPLUS COMPRESS=DEFLATE ENABLE MOVE CONDSTORE ESEARCH';

const PLAIN_STRUCTURE = '("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "7BIT" 12 1 NIL NIL NIL NIL)';

const literal = (text: string): string => `{${Buffer.byteLength(text)}}\r\n${text}`;

const bodyItem = (message: DoubleMessage, line: string): string => {
  const found = /BODY\.PEEK\[([^\]]*)\](?:<([0-9]+)\.([0-9]+)>)?/.exec(line);
  if (!found) return '';
  const [, section = '', offset, length] = found;
  const text = section.startsWith('HEADER') ? `${message.headers}\r\n\r\n` : (message.sections?.[section] ?? '');
  const piece =
    offset === undefined
      ? text
      : Buffer.from(text)
          .subarray(Number(offset), Number(offset) + Number(length))
          .toString();
  return ` BODY[${section}]${offset === undefined ? '' : `<${offset}>`} ${literal(piece)}`;
};

const fetchLine = (message: DoubleMessage, sequence: number, line: string, gmail: boolean): string => {
  const labels = gmail ? ` X-GM-THRID ${message.uid} X-GM-MSGID ${message.uid} X-GM-LABELS ("\\\\Inbox" Work)` : '';
  const structure = line.includes('BODYSTRUCTURE') ? ` BODYSTRUCTURE ${message.structure ?? PLAIN_STRUCTURE}` : '';
  const flags = message.seen === true ? '\\Seen' : '';
  return `* ${sequence} FETCH (UID ${message.uid}${labels} FLAGS (${flags}) INTERNALDATE "01-Jan-2025 00:00:00 +0000" RFC822.SIZE 100${structure}${bodyItem(message, line)})\r\n`;
};

const inSet = (set: string, value: number, last: number): boolean =>
  set.split(',').some((range) => {
    const [from = '', to = from] = range.split(':');
    const number = (text: string): number => (text === '*' ? last : Number(text));
    return value >= Math.min(number(from), number(to)) && value <= Math.max(number(from), number(to));
  });

const uidsBelow = (messages: readonly DoubleMessage[], line: string): readonly number[] => {
  const set = / UID ([0-9:*,]+)/.exec(line.replace(/^UID /, ''))?.[1];
  return messages.map(({ uid }) => uid).filter((uid) => set === undefined || inSet(set, uid, Infinity));
};

const searchAnswer = (messages: readonly DoubleMessage[], tag: string, line: string): string => {
  const found = uidsBelow(messages, line);
  return line.includes('RETURN (COUNT)')
    ? `* ESEARCH (TAG "${tag}") COUNT ${found.length}\r\n`
    : `* SEARCH ${found.join(' ')}\r\n`;
};

const fetchAnswer = (messages: readonly DoubleMessage[], line: string, gmail: boolean): string => {
  const [, byUid, set = ''] = /^(UID )?FETCH ([0-9:*,]+)/.exec(line) ?? [];
  return messages
    .map((message, index) => ({ message, sequence: index + 1 }))
    .filter(({ message, sequence }) => inSet(set, byUid === undefined ? sequence : message.uid, Infinity))
    .map(({ message, sequence }) => fetchLine(message, sequence, line, gmail))
    .join('');
};

const honest = (options: DoubleOptions, tag: string, verb: string, line: string): string => {
  const messages = options.messages ?? [];
  const capabilities = options.capabilities ?? 'IMAP4rev1 ESEARCH';
  const gmail = capabilities.includes('X-GM-EXT-1');
  const done = `${tag} OK done\r\n`;
  switch (verb) {
    case 'CAPABILITY':
      return `* CAPABILITY ${capabilities}\r\n${done}`;
    case 'LIST':
      return `* LIST (\\HasNoChildren) "/" "INBOX"\r\n* LIST (\\HasNoChildren \\Sent) "/" "[Gmail]/Sent"\r\n${done}`;
    case 'EXAMINE':
      return `* FLAGS (\\Seen)\r\n* ${messages.length} EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY ${options.uidvalidity ?? 7}] ok\r\n${tag} OK [READ-ONLY] done\r\n`;
    case 'STATUS':
      return `* STATUS "INBOX" (MESSAGES ${messages.length} RECENT 0 UNSEEN ${messages.filter(({ seen }) => seen !== true).length} UIDVALIDITY 7 UIDNEXT 99)\r\n${done}`;
    case 'SEARCH':
      return searchAnswer(messages, tag, line) + done;
    case 'FETCH':
      return fetchAnswer(messages, line, gmail) + done;
    case 'LOGOUT':
      return `* BYE bye\r\n${done}`;
    default:
      return done;
  }
};

/** Serves one connection; what the client sends is appended to `lines`. */
export const serveImap = (socket: Socket, options: DoubleOptions, lines: string[] = []): void => {
  let held = Buffer.alloc(0);
  let literalLeft = 0;
  let command = '';
  socket.on('error', () => undefined);
  socket.write(options.greeting ?? '* OK ready\r\n');
  socket.on('data', (bytes: Buffer) => {
    held = Buffer.concat([held, bytes]);
    for (;;) {
      if (literalLeft > 0) {
        if (held.length < literalLeft) return;
        command += held.toString('utf8', 0, literalLeft);
        held = held.subarray(literalLeft);
        literalLeft = 0;
      }
      const end = held.indexOf('\r\n');
      if (end < 0) return;
      command += held.toString('utf8', 0, end);
      held = held.subarray(end + 2);
      const announced = /\{([0-9]+)\}$/.exec(command);
      if (announced) {
        literalLeft = Number(announced[1]);
        socket.write('+ go on\r\n');
        continue;
      }
      lines.push(command);
      const [, tag = '*', line = ''] = /^(\S+) (.*)$/s.exec(command) ?? [];
      command = '';
      const verb = line.replace(/^UID /, '').split(' ')[0] ?? '';
      if (options.answer?.({ tag, verb, line }, socket) !== true) socket.write(honest(options, tag, verb, line));
    }
  });
};

/** Starts the double on a free loopback port. */
export const startImapDouble = async (options: DoubleOptions = {}): Promise<ImapDouble> => {
  const lines: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    serveImap(socket, options, lines);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    lines,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
};
