/** presence.sock: two methods that freeze, and thaw what they froze. PRESENCE-10 */
import { serveSocket, type Listening, type MethodEntry, type SocketServer } from '@airlock/ipc';
import { validatorOf, type PresenceReport } from '@airlock/protocol';
import type { House } from '../operators/house.js';

/** Small: 32 operators with all their reasons. */
const MAX_FRAME_BYTES = 16_384;

const entry = (house: House, name: string, handle: (params: never) => void): MethodEntry<null> => ({
  params: validatorOf(`presence.${name}`),
  permitted: () => house.sealed(),
  handle: (params) => {
    handle(params as never);
    return {};
  },
});

export const servePresence = (house: House, at: Listening): Promise<SocketServer<null>> =>
  serveSocket<null>({
    ...at,
    name: 'presence',
    timers: house.timers,
    limits: { idleTimeoutMs: Infinity, maxFrameInBytes: MAX_FRAME_BYTES },
    table: {
      report: entry(house, 'report', (report: PresenceReport) => house.presence.report(report)),
      sleep: entry(house, 'sleep', ({ asleep }: { readonly asleep: boolean }) => house.presence.sleep(asleep)),
    },
    open: () => null,
    onProtocolError: (_, error) => house.journal.note('protocol_error', { socket: 'presence', code: error.code }),
  });
