/** A connection to airlock-totp that is told what happens, and its renewal after a restart. */
import { connectSocket } from '@airlock/ipc';
import { AirlockError, type PendingResult, type Timers } from '@airlock/protocol';
import { ask } from '../context.js';

/** What approve.subscribe tells. */
const EVENTS = [
  'request.fronted',
  'request.decided',
  'lease.issued',
  'lease.ended',
  'lease.marked',
  'grant.issued',
  'grant.ended',
  'locked',
  'enrolled',
] as const;

export type EventParams = Readonly<Record<string, unknown>>;

export interface Follower {
  onEvent(method: string, params: EventParams): void;
  /** After subscribing, and whenever another request comes to the front. */
  onPending(pending: PendingResult): void;
  /** Subscribed; again after each reconnect. */
  onConnected(): void;
}

/** Tells `follower` until the connection ends. @returns why it ended. @throws AirlockError where it could not begin */
export const follow = async (path: string, follower: Follower): Promise<AirlockError> => {
  let look = (): void => undefined;
  let end: (reason: AirlockError) => void = () => undefined;
  const ended = new Promise<AirlockError>((resolve) => {
    end = resolve;
  });
  const entry = (method: string): { params: () => null; handle: (params: object) => void } => ({
    params: () => null,
    handle: (params) => {
      follower.onEvent(method, params as EventParams);
      if (method === 'request.fronted') look();
    },
  });
  const link = await connectSocket(path, {
    notifications: Object.fromEntries(EVENTS.map((method) => [method, entry(method)])),
    onClose: (_link, reason) => end(reason),
  });
  look = () => {
    // A connection that ends meanwhile is told by `ended`.
    void ask<PendingResult>(link, 'pending').then(
      (pending) => follower.onPending(pending),
      () => undefined,
    );
  };
  try {
    await ask(link, 'subscribe');
  } catch (thrown) {
    link.close();
    throw thrown;
  }
  follower.onConnected();
  look();
  return ended;
};

/** Between two attempts while airlock-totp is away. */
const RETRY_MS = 1000;

/** As `follow`, again and again once it has begun. @throws AirlockError where it could not begin the first time */
export const followForEver = async (path: string, follower: Follower, timers: Timers, onLost: () => void): Promise<never> => {
  await follow(path, follower);
  for (;;) {
    onLost();
    await new Promise<void>((resolve) => void timers.after(RETRY_MS, resolve));
    await follow(path, follower).catch(() => undefined);
  }
};
