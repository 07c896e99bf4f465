/** What a command is run with: the environment, where to print, and how to find gateway and lease. */
import { AirlockError, Session, clientName, findAgentSocket, leaseStore, systemTimers } from '@airlock/client';
import type { AgentSocket, Env, LeaseStore, Timers } from '@airlock/client';
import { whileWaiting } from '@airlock/protocol/command';
import type { Output } from './output.js';

/** Flags every command has; each has its variable. */
export interface GlobalFlags {
  readonly json?: boolean | undefined;
  readonly socket?: string | undefined;
  readonly role?: string | undefined;
  readonly lease?: string | undefined;
}

export interface Context {
  readonly env: Env;
  readonly output: Output;
  readonly flags: GlobalFlags;
  readonly timers: Timers;
  readonly version: string;
  /** Everything on stdin, as text. */
  readonly readStdin: () => Promise<string>;
}

export interface Connected {
  readonly session: Session;
  readonly store: LeaseStore;
  /** Of the socket, which names the files of the store. */
  readonly role: string;
}

export const socketOf = ({ env, flags }: Context): AgentSocket =>
  findAgentSocket({ socket: flags.socket, role: flags.role, env });

export const makeContext = (
  output: Output,
  flags: GlobalFlags,
  env: Env,
  version: string,
  readStdin: () => Promise<string>,
): Context => ({
  env,
  output,
  flags,
  timers: systemTimers,
  version,
  readStdin,
});

/**
 * Runs `work` on the session this role has on this login, so that a lease asked for by one command works in the next.
 * The secret is stored again only where the gateway began another session.
 */
export const withSession = async <T>(context: Context, work: (connected: Connected) => Promise<T>): Promise<T> => {
  const socket = socketOf(context);
  const store = leaseStore({ env: context.env });
  const resume = store.readResume(socket.role) ?? undefined;
  const session = await Session.open({
    socket,
    client: clientName(context.env, `airlock ${context.version}`),
    resume,
    timers: context.timers,
  });
  try {
    if (session.resume !== resume) store.writeResume(socket.role, session.resume);
    return await work({ session, store, role: socket.role });
  } finally {
    session.close();
  }
};

const noLease = (): AirlockError =>
  new AirlockError('LEASE_INVALID', 'there is no lease', {
    hint: 'ask first: airlock request SERVICE --reason TEXT --wait; or name one with --lease or AIRLOCK_LEASE',
  });

/** --lease, then AIRLOCK_LEASE. */
export const namedLease = ({ env, flags }: Context): string | undefined => {
  const { AIRLOCK_LEASE: fromEnv } = env;
  return flags.lease ?? (fromEnv === '' ? undefined : fromEnv);
};

/** --lease, AIRLOCK_LEASE, then the file of the role (interfaces.md). @throws AirlockError LEASE_INVALID */
export const findLease = (context: Context, store: LeaseStore, role: string): string => {
  const lease = namedLease(context) ?? store.readLease(role);
  if (lease === null) throw noLease();
  return lease;
};

/** Says what is waited for where it takes more than a second. @returns what the promise does */
export const waitingFor = <T>({ output, timers }: Context, what: string, promise: Promise<T>): Promise<T> =>
  whileWaiting({ err: output.stderr, isTerminal: output.isTerminal, isSilent: output.isJson, timers }, what, promise);
