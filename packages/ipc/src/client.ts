/** The calling side of a Unix socket: connects, and says in words why it could not. */
import { statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { userInfo } from 'node:os';
import { AirlockError, LIMITS, systemTimers, type Timers } from '@airlock/protocol';
import { Connection, type ConnectionEvents } from './connection.js';
import { groupName } from './group.js';
import { CLIENT_LIMITS, type SocketLimits } from './limits.js';
import type { MethodTable, NotificationTable } from './table.js';

export type ConnectOptions<S> = ConnectionEvents<S> & {
  /** What the server may ask of this side. Nothing by default. */
  readonly table?: MethodTable<S>;
  readonly notifications?: NotificationTable<S>;
  readonly limits?: Partial<SocketLimits>;
  readonly timers?: Timers;
  readonly connectTimeoutMs?: number;
};

const userName = (): string => {
  try {
    return userInfo().username;
  } catch {
    // A uid without an account, as in a container.
    return 'USER';
  }
};

/** The group that may use the socket, or what it is called in the documentation where it cannot be seen. */
const owningGroup = (path: string): string => {
  try {
    return groupName(statSync(path).gid);
  } catch {
    return 'GROUP';
  }
};

/** UNAVAILABLE with the remedy for what the system said. */
export const connectError = (path: string, code: string | undefined): AirlockError => {
  if (code === 'ENOENT') {
    const hint = `no socket is there: is Airlock running (systemctl status airlock-gateway), and is the role right? AIRLOCK_SOCKET names another`;
    return new AirlockError('UNAVAILABLE', `${path} does not exist`, { hint });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    const group = owningGroup(path);
    const hint = `join the group ${group}: sudo usermod -aG ${group} ${userName()}, then log in anew`;
    return new AirlockError('UNAVAILABLE', `no permission on ${path}, which is for the group ${group}`, { hint });
  }
  const hint = 'the operator can run: airlock-ctl doctor';
  return new AirlockError('UNAVAILABLE', `cannot connect to ${path} (${code ?? 'unknown reason'})`, { hint });
};

/** A full queue of the socket (EAGAIN) is no answer: a busy daemon takes it in a moment. */
const AGAIN_MS = 10;

const opened = (path: string, timers: Timers, timeoutMs: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    let socket: Socket;
    const fail = (code: string | undefined): void => {
      timer.cancel();
      socket.destroy();
      reject(connectError(path, code));
    };
    const onError = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'EAGAIN') again = timers.after(AGAIN_MS, attempt);
      else fail(error.code);
    };
    const attempt = (): void => {
      socket = connect({ path, allowHalfOpen: false });
      socket.once('error', onError);
      socket.once('connect', () => {
        timer.cancel();
        socket.removeListener('error', onError);
        resolve(socket);
      });
    };
    let again: { cancel(): void } | null = null;
    const timer = timers.after(timeoutMs, () => {
      again?.cancel();
      fail('ETIMEDOUT');
    });
    attempt();
  });

/**
 * Connects to a socket of Airlock.
 * @throws AirlockError UNAVAILABLE with the remedy: not there, no permission, no answer.
 */
export const connectSocket = async <S = undefined>(
  path: string,
  ...[options]: undefined extends S ? [ConnectOptions<S>?] : [ConnectOptions<S> & { readonly state: S }]
): Promise<Connection<S>> => {
  const given: ConnectOptions<S> & { readonly state?: S } = options ?? {};
  const timers = given.timers ?? systemTimers;
  const socket = await opened(path, timers, given.connectTimeoutMs ?? LIMITS.connectTimeoutMs);
  return new Connection<S>(socket, {
    state: given.state as S,
    limits: { ...CLIENT_LIMITS, ...given.limits },
    timers,
    table: given.table ?? {},
    notifications: given.notifications ?? {},
    events: given,
    inFlight: { count: 0 },
    memory: { bytes: 0 },
    answersErrors: false,
  });
};
