/** An attacker that has the place of airlock-gateway: its socket, its disk, its tickets. */
import { connectSocket, type Connection } from '@airlock/ipc';
import type { BridgeHelloResult, SealedRecordText, TicketResult } from '@airlock/protocol';
import { FRAME, decodeBase64url, packBlobs } from '@airlock/protocol';
import { binaryFrame, daemonOf, rawExchange, untilServing, type RawAnswer, type Running } from '@airlock/testkit';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface FakeGateway {
  readonly link: Connection;
  readonly hello: BridgeHelloResult;
  call<T>(method: string, params: object): Promise<T>;
  ticket(lease: string, service: string): Promise<Buffer>;
  close(): void;
}

/** All that airlock-totp tells a gateway unasked. */
export const BRIDGE_NOTIFICATIONS = [
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

/** Takes the place of the gateway on bridge.sock; the real one is only stopped, so that it does not come back at once. */
export const takeBridge = async (running: Running): Promise<FakeGateway> => {
  process.kill(await daemonOf(running, 'airlock-gateway'), 'SIGSTOP');
  const notification = { params: () => null, handle: () => undefined };
  const link = await connectSocket(running.sockets['bridge'] ?? '', {
    notifications: Object.fromEntries(BRIDGE_NOTIFICATIONS.map((method) => [method, notification])),
    limits: { maxBinaryBytes: 4096 },
    onBinary: () => undefined,
  });
  const call = async <T>(method: string, params: object): Promise<T> =>
    (await link.call(method, params, { timeoutMs: 5000 })) as T;
  const hello = await call<BridgeHelloResult>('hello', { protocol: 1 });
  const ticket = async (lease: string, service: string): Promise<Buffer> =>
    decodeBase64url((await call<TicketResult>('ticket.create', { lease, service })).ticket) ?? Buffer.alloc(0);
  return { link, hello, call, ticket, close: () => link.close() };
};

/** Gives the place back, and waits until the gateway serves again. */
export const giveBack = async (running: Running, gateway: FakeGateway): Promise<void> => {
  gateway.close();
  process.kill(await daemonOf(running, 'airlock-gateway'), 'SIGCONT');
  await untilServing(running);
};

export const recordOf = (running: Running, service: string): SealedRecordText => {
  const path = join(running.env['AIRLOCK_STATE_DIR'] ?? '', 'gateway/vault/default', `${service}.json`);
  return (JSON.parse(readFileSync(path, 'utf8')) as { record: SealedRecordText }).record;
};

const bytes = (text: string): Buffer => decodeBase64url(text) ?? Buffer.alloc(0);

/** RELEASE_REQUEST as a cell sends it. */
export const releaseRequest = (ticket: Uint8Array, { header, wrapped }: SealedRecordText): Buffer =>
  binaryFrame(FRAME.RELEASE_REQUEST, packBlobs(Buffer.alloc(0), ticket, bytes(header), bytes(wrapped)));

const FRAME_HEAD_BYTES = 5;
const isWhole = (answer: Buffer): boolean =>
  answer.length >= FRAME_HEAD_BYTES && answer.length >= FRAME_HEAD_BYTES + answer.readUInt32BE(1);

/** `granted`, the code of the refusal, or `closed`. */
export const outcomeOf = ({ bytes: answer, closed }: RawAnswer): string => {
  if (!isWhole(answer)) return closed ? 'closed' : 'silence';
  if (answer[0] === FRAME.RELEASE_GRANT) return 'granted';
  const text = answer.subarray(FRAME_HEAD_BYTES + 2).toString('utf8');
  return (JSON.parse(text) as { data: { code: string } }).data.code;
};

/** Any bytes to release.sock. */
export const release = (running: Running, frame: Uint8Array): Promise<RawAnswer> =>
  rawExchange(running.sockets['release'] ?? '', frame, { enough: isWhole });
