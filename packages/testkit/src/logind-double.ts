/** A system bus with systemd-logind on it, as far as airlock-presence hears of them: authentication, names, sessions, signals. */
import { formatMessage, lengthOf, parseMessage, RETURN, ERROR, SIGNAL, type Message, type Value } from '@airlock/presence';
import { createServer, type Server, type Socket } from 'node:net';

export interface DoubleSession {
  readonly uid: number;
  readonly seat: string;
  active: boolean;
  locked: boolean;
  idle: boolean;
}

export interface LogindDouble {
  readonly address: string;
  readonly sessions: Map<string, DoubleSession>;
  /** Answers what it is asked; false: it hangs. */
  answers: boolean;
  /** How many clients have said Hello. */
  greeted: number;
  /** Changes a session and signals it. */
  change(id: string, change: Partial<Pick<DoubleSession, 'active' | 'locked' | 'idle'>>): void;
  /** A signal of logind, or of whoever is named. */
  signal(signal: Pick<Message, 'path' | 'interface' | 'member' | 'body'>, signature: string, sender?: string): void;
  /** Whatever bytes. */
  send(bytes: Buffer): void;
  close(): Promise<void>;
}

const OWNER = ':1.7';
const LOGIND = 'org.freedesktop.login1';
const pathOf = (id: string): string => `/org/freedesktop/login1/session/${id}`;
const NAMES = { active: 'Active', locked: 'LockedHint', idle: 'IdleHint' } as const;

const propertiesOf = ({ uid, seat, active, locked, idle }: DoubleSession): Value => [
  ['Seat', ['(so)', [seat, '/org/freedesktop/login1/seat/seat0']]],
  ['User', ['(uo)', [uid, '/org/freedesktop/login1/user/_1000']]],
  ['Class', ['s', 'user']],
  ['State', ['s', active ? 'active' : 'online']],
  ['Active', ['b', active]],
  ['LockedHint', ['b', locked]],
  ['IdleHint', ['b', idle]],
];

type Answer = readonly [signature: string, ...body: Value[]] | null;

const answerTo = ({ member, path = '', destination, body }: Message, sessions: ReadonlyMap<string, DoubleSession>): Answer => {
  if (member === 'Hello') return ['s', ':1.99'];
  if (member === 'AddMatch') return [''];
  if (member === 'GetNameOwner' && body[0] === LOGIND) return ['s', OWNER];
  if (destination !== LOGIND) return null;
  if (member === 'ListSessions')
    return ['a(susso)', [...sessions].map(([id, { uid, seat }]): Value => [id, uid, 'ada', seat, pathOf(id)])];
  if (member === 'Get') return ['v', ['b', false]];
  const session = sessions.get(path.split('/').at(-1) ?? '');
  return member === 'GetAll' && session !== undefined ? ['a{sv}', propertiesOf(session)] : null;
};

const reply = (message: Message, [signature, ...body]: readonly [string, ...Value[]]): Buffer => {
  const sender = message.destination === LOGIND ? OWNER : 'org.freedesktop.DBus';
  return formatMessage({ type: RETURN, serial: 1, replySerial: message.serial, sender, body }, signature);
};

const refuse = (message: Message): Buffer =>
  formatMessage({
    type: ERROR,
    serial: 1,
    replySerial: message.serial,
    sender: message.destination === LOGIND ? OWNER : 'org.freedesktop.DBus',
    errorName: 'org.freedesktop.DBus.Error.UnknownObject',
    body: [],
  });

/** One client: lines of the authentication, then messages. */
const serveClient = (socket: Socket, onMessage: (message: Message) => void): void => {
  let bytes: Buffer = Buffer.alloc(0);
  let isBegun = false;
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    for (let end = isBegun ? -1 : bytes.indexOf('\r\n'); end >= 0; end = isBegun ? -1 : bytes.indexOf('\r\n')) {
      const line = bytes.toString('latin1', 0, end).replace('\0', '');
      bytes = bytes.subarray(end + 2);
      if (line === 'BEGIN') isBegun = true;
      else socket.write(line.startsWith('AUTH EXTERNAL ') ? 'OK 0123456789abcdef0123456789abcdef\r\n' : 'ERROR\r\n');
    }
    if (!isBegun) return;
    for (let length = lengthOf(bytes); length !== null && bytes.length >= length; length = lengthOf(bytes)) {
      onMessage(parseMessage(bytes.subarray(0, length)));
      bytes = bytes.subarray(length);
    }
  });
};

/** Listens on `path`. */
export const startLogindDouble = async (path: string): Promise<LogindDouble> => {
  const clients = new Set<Socket>();
  const sessions = new Map<string, DoubleSession>();
  const server: Server = createServer((socket) => {
    clients.add(socket);
    socket.on('close', () => clients.delete(socket));
    serveClient(socket, (message) => {
      if (!double.answers) return;
      if (message.member === 'Hello') double.greeted += 1;
      const answer = answerTo(message, sessions);
      socket.write(answer === null ? refuse(message) : reply(message, answer));
    });
  });
  const send = (bytes: Buffer): void => clients.forEach((socket) => void socket.write(bytes));
  const double: LogindDouble = {
    address: `unix:path=${path}`,
    sessions,
    answers: true,
    greeted: 0,
    send,
    signal: (signal, signature, sender = OWNER) => send(formatMessage({ type: SIGNAL, serial: 1, sender, ...signal }, signature)),
    change: (id, change) => {
      const session = sessions.get(id);
      if (session === undefined) throw new Error(`no session ${id}`);
      Object.assign(session, change);
      const changed = Object.entries(change).map(([key, value]): Value => [NAMES[key as keyof typeof NAMES], ['b', value]]);
      const of = { path: pathOf(id), interface: 'org.freedesktop.DBus.Properties', member: 'PropertiesChanged' };
      double.signal({ ...of, body: [`${LOGIND}.Session`, changed, []] }, 'sa{sv}as');
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        clients.forEach((socket) => socket.destroy());
      }),
  };
  await new Promise<void>((resolve) => server.listen(path, () => resolve()));
  return double;
};
