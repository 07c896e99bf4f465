/** Unix sockets: activation, framing, connection limits, dispatch. */
export { takeActivatedSockets } from './activation.js';
export { connectError, connectSocket, type ConnectOptions } from './client.js';
export { type CallOptions, type Connection, type ConnectionEvents } from './connection.js';
export { groupName } from './group.js';
export { CLIENT_LIMITS, SERVER_LIMITS, type SocketLimits } from './limits.js';
export { requestText } from './message.js';
export { wasAnswered } from './pending.js';
export { serveSocket, type Listening, type ServeOptions, type SocketServer } from './server.js';
export {
  always,
  type CallContext,
  type MethodEntry,
  type MethodTable,
  type NotificationEntry,
  type NotificationTable,
} from './table.js';
