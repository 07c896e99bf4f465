/** The steps that most scenarios and attacks start with: a mailbox, a session, a lease. */
import { connectSocket, type Connection } from '@airlock/ipc';
import type { AccessRequestResult, AccessWaitResult, HelloResult } from '@airlock/protocol';
import { join } from 'node:path';
import type { Running } from './instance.js';
import { writeMaildir, type SampleMessage } from './mailbox.js';

export interface AgentSession {
  readonly link: Connection;
  readonly hello: HelloResult;
  call<T>(method: string, params?: object): Promise<T>;
  close(): void;
}

const anything = (): null => null;

/** A session on an agent socket; notifications are taken and dropped unless `onNotify` wants them. */
export const openSession = async (
  running: Running,
  options: {
    readonly role?: string;
    readonly resume?: string;
    readonly onNotify?: (method: string, params: object) => void;
  } = {},
): Promise<AgentSession> => {
  const path = running.sockets[`agent/${options.role ?? 'default'}`] ?? '';
  const entry = (method: string): { params: () => null; handle: (params: object) => void } => ({
    params: anything,
    handle: (params) => options.onNotify?.(method, params),
  });
  const notifications = Object.fromEntries(
    ['access.decided', 'lease.expiring', 'lease.ended', 'services.changed', 'call.event', 'service.event'].map((method) => [
      method,
      entry(method),
    ]),
  );
  const link = await connectSocket(path, { notifications });
  const call = async <T>(method: string, params: object = {}): Promise<T> =>
    (await link.call(method, params, { timeoutMs: 60_000 })) as T;
  const hello = await call<HelloResult>('hello', {
    client: 'test',
    protocol: 1,
    ...(options.resume === undefined ? {} : { resume: options.resume }),
  });
  return { link, hello, call, close: () => link.close() };
};

/** Adds a maildir service, approved with a fresh code. @returns the path of the mailbox */
export const addMailbox = async (running: Running, name = 'mail', messages?: readonly SampleMessage[]): Promise<string> => {
  const path = join(running.dir, `${name}.maildir`);
  writeMaildir(path, messages);
  const result = await running.command(
    'airlock-ctl',
    ['service', 'add', 'maildir', '--name', name, '--set', `path=${path}`, '--json'],
    { stdin: `${running.freshCode()}\n` },
  );
  if (result.status !== 0) throw new Error(`service add: ${result.stdout}${result.stderr}`);
  return path;
};

/** Approves what is in front with a fresh code, naming it and its match number. */
export const approveFront = async (running: Running): Promise<void> => {
  const pending = await running.command('airlock-ctl', ['pending', '--json']);
  const { front } = pending.json as { front: { id: string; match: string } | null };
  if (!front) throw new Error('nothing is in front');
  const result = await running.command('airlock-ctl', [
    'approve',
    running.freshCode(),
    '--request',
    front.id,
    '--match',
    front.match,
    '--json',
  ]);
  if (result.status !== 0) throw new Error(`approve: ${result.stdout}${result.stderr}`);
};

export interface Granted {
  readonly request: string;
  readonly lease: string;
  readonly expiresAt: string;
}

/** Asks, has it approved, and takes the lease. */
export const obtainLease = async (
  running: Running,
  session: AgentSession,
  scopes: readonly string[],
  more: { readonly ttlS?: number; readonly intent?: string; readonly constraints?: object } = {},
): Promise<Granted> => {
  const { request } = await session.call<AccessRequestResult>('access.request', { scopes, reason: 'a test', ...more });
  await approveFront(running);
  const { lease, expiresAt } = await session.call<AccessWaitResult>('access.wait', { request, timeoutS: 10 });
  if (lease === undefined || expiresAt === undefined) throw new Error('no lease was delivered');
  return { request, lease, expiresAt };
};

/** The code of the error a promise rejects with; null where it resolves. */
export const refusalOf = async (promise: Promise<unknown>): Promise<string | null> => {
  try {
    await promise;
    return null;
  } catch (error) {
    return (error as { code?: string }).code ?? 'not an AirlockError';
  }
};
