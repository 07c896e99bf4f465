/** approve/OP.sock: an operator's own terminal. The socket's name says which operator, and nothing else does. */
import { always, serveSocket, type Listening, type MethodEntry, type SocketServer } from '@airlock/ipc';
import { LIMITS, validatorOf } from '@airlock/protocol';
import { notificationsOf } from '../bridge/serve.js';
import { endOpener } from '../operators/deny.js';
import type { House } from '../operators/house.js';
import { statusOf } from '../operators/status.js';
import { exchangeKey } from './keys.js';
import { approveTable, type ApproveContext, type ApproveState } from './table.js';

const statusEntry = (house: House): MethodEntry<ApproveState> => ({
  params: validatorOf('approve.status'),
  permitted: always,
  handle: (_, { state }) => {
    const desk = house.desks.get(state.operator) ?? null;
    desk?.settle();
    return statusOf(desk, house.sealed(), house.clock, house.config.totp.periodS);
  },
});

/** Everyone who subscribed is told what the gateway is told, of their own operator. */
const tellSubscribers = (house: House, server: SocketServer<ApproveState>, operator: string): void => {
  const tell = (method: string, params: object): void => {
    const alert = house.alert.viewOf(operator);
    const told = method === 'locked' && alert !== null ? { ...params, alert: alert.message } : params;
    for (const connection of server.connections) if (connection.state.isSubscribed) connection.notify(method, told);
  };
  house.listeners.add((desk, changes) => {
    if (desk.operator === operator) for (const { method, params } of notificationsOf(desk, changes)) tell(method, params);
  });
  house.enrolledListeners.add((name, enrolled) => {
    if (name === operator) tell('enrolled', { operator, enrolled });
  });
};

export const serveApprove = async (
  context: ApproveContext,
  operator: string,
  at: Listening,
): Promise<SocketServer<ApproveState>> => {
  const { house } = context;
  const server = await serveSocket<ApproveState>({
    ...at,
    name: `approve/${operator}`,
    table: { status: statusEntry(house), ...approveTable(context) },
    // An operator's command that is gone takes its action along at once, whatever it was waiting for (QUEUE-11).
    allowHalfOpen: false,
    limits: { maxBinaryBytes: LIMITS.maxBinaryFrameBytes, idleTimeoutMs: Infinity },
    timers: house.timers,
    open: () => ({ operator, isSubscribed: false }),
    onBinary: (type, payload, connection) => {
      const answer = exchangeKey(house.desks.get(operator) ?? null, type, payload, connection.state);
      connection.sendBinary(answer.type, answer.payload);
      answer.payload.fill(0);
    },
    onProtocolError: (_, error) => house.journal.note('protocol_error', { socket: 'approve', operator, code: error.code }),
    onClose: ({ state }) => {
      const desk = house.desks.get(operator);
      if (desk !== undefined) endOpener(desk, state);
    },
  });
  tellSubscribers(house, server, operator);
  return server;
};
