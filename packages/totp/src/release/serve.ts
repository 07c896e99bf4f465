/** release.sock: one binary frame a connection, answered by a grant that lasts as long as the connection (RELEASE-5). */
import { serveSocket, type Connection, type Listening, type SocketServer } from '@airlock/ipc';
import { AirlockError, FRAME, frozenError, isFrozen, LIMITS, packBlobs, unpackBlobs, type TimerHandle } from '@airlock/protocol';
import { TOTP_LIMITS } from '../limits.js';
import { refusedFrame } from '../operators/refused-frame.js';
import { grantRelease, leaseOver } from './grant.js';
import type { House } from '../operators/house.js';
import type { OpenReleases } from './open-releases.js';

interface CellState {
  isUsed: boolean;
  timer: TimerHandle | null;
}

const malformed = (): AirlockError => new AirlockError('FRAME_INVALID', 'the frame is no release request');

const answer = (house: House, releases: OpenReleases, payload: Buffer, connection: Connection<CellState>): void => {
  const asksNext = unpackBlobs(payload, 0, 4)?.blobs ?? null;
  const [ticket, header, wrapped, more] = asksNext ?? unpackBlobs(payload, 0, 3)?.blobs ?? [];
  if (ticket === undefined || header === undefined || wrapped === undefined || (more?.length ?? 0) > 0) throw malformed();
  const grant = grantRelease(house, { ticket, header, wrapped, withNext: asksNext !== null });
  const { next } = grant;
  const blobs = next === null ? [] : [next.dek, next.header, next.wrapped];
  const frame = packBlobs(grant.dek, Buffer.from(JSON.stringify(grant.limits)), ...blobs);
  grant.dek.fill(0);
  next?.dek.fill(0);
  const { deadlineWallMs: endsWallMs, deadlineBootMs: endsBootMs } = grant.limits;
  releases.add({ connection, ...grant.ticket, endsWallMs, endsBootMs });
  connection.sendBinary(FRAME.RELEASE_GRANT, frame);
  frame.fill(0);
};

const onFrame = (
  house: House,
  releases: OpenReleases,
  type: number,
  payload: Buffer,
  connection: Connection<CellState>,
): void => {
  const { state } = connection;
  try {
    if (type !== FRAME.RELEASE_REQUEST || state.isUsed) throw malformed();
    state.isUsed = true;
    state.timer?.cancel();
    answer(house, releases, payload, connection);
  } catch (thrown) {
    releases.forget(connection);
    connection.sendBinary(FRAME.REFUSED, refusedFrame(thrown));
    connection.close();
  } finally {
    payload.fill(0);
  }
};

/** Ends what is over, at each tick. */
export const expireReleases = (house: House, releases: OpenReleases): void => {
  const wallMs = house.clock.wallMs();
  const bootMs = house.clock.bootMs();
  releases.end((one) => wallMs >= one.endsWallMs || bootMs >= one.endsBootMs, leaseOver());
};

/** The releases follow the register: what ended, was locked or removed there ends here. */
export const followRegister = (house: House, releases: OpenReleases): void => {
  house.listeners.add((desk, { ended, freeze }) => {
    const ids = new Set(ended.map(({ id }) => id));
    if (ids.size > 0) releases.end((one) => one.lease !== null && ids.has(one.lease), leaseOver());
    if (freeze === null || !isFrozen(freeze)) return;
    // A trial is the operator's own, approved by a code now: presence leaves it.
    releases.end((one) => one.operator === desk.operator && (freeze.locked || one.lease !== null), frozenError(freeze));
  });
};

export const serveRelease = (house: House, releases: OpenReleases, at: Listening): Promise<SocketServer<CellState>> =>
  serveSocket<CellState>({
    ...at,
    name: 'release',
    table: {},
    limits: { maxFrameInBytes: 0, maxBinaryBytes: LIMITS.maxBinaryFrameBytes, idleTimeoutMs: Infinity },
    timers: house.timers,
    open: () => ({ isUsed: false, timer: null }),
    onOpen: (connection) => {
      // A connection that asks for nothing holds no place.
      connection.state.timer = house.timers.after(TOTP_LIMITS.releaseRequestTimeoutMs, () => connection.close());
    },
    onBinary: (type, payload, connection) => onFrame(house, releases, type, payload, connection),
    onClose: (connection) => {
      connection.state.timer?.cancel();
      releases.forget(connection);
    },
  });
