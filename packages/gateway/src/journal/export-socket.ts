/**
 * export.sock: the log as bytes for airlock-export, which has a network and may be taken over.
 *
 * SINK-7  the two logs, to be read, and nothing else: no status, no service, no session can be asked for here.
 */
import { always, serveSocket, type Listening, type MethodEntry, type SocketServer } from '@airlock/ipc';
import { OPERATOR_ROLE, validatorOf } from '@airlock/protocol';
import type { House, Peer } from '../house.js';
import { logDir } from '../paths.js';
import { readChunk, segmentList } from './segments.js';

/** Name of the socket as in LISTEN_FDNAMES. */
export const EXPORT_SOCKET = 'export';

const entry = (schema: string, handle: (params: never) => unknown): MethodEntry<Peer> => ({
  params: validatorOf(schema),
  permitted: always,
  handle: (params) => handle(params as never),
});

/** One at a time: whoever floods this socket must not fill the bridge, over which approvals come. */
const oneByOne = (): (<T>(run: () => Promise<T>) => Promise<T>) => {
  let last: Promise<unknown> = Promise.resolve();
  return (run) => {
    const next = last.then(run, run);
    last = next.catch(() => undefined);
    return next;
  };
};

/** Served while sealed too: what was written is told, whatever is wrong now. */
export const serveExport = (house: House, at: Listening): Promise<SocketServer<Peer>> => {
  const dir = logDir(house.options);
  const relayed = oneByOne();
  return serveSocket<Peer>({
    ...at,
    name: EXPORT_SOCKET,
    timers: house.timers,
    table: {
      'log.segments': entry('log.segments', () => ({ segments: segmentList(dir) })),
      'log.read': entry('log.read', ({ segment, offset }: { segment: string; offset: number }) =>
        readChunk(dir, segment, offset),
      ),
      'totp.segments': entry('log.segments', () => relayed(() => house.bridge.call('log.segments', {}))),
      'totp.read': entry('log.read', (params: object) => relayed(() => house.bridge.call('log.read', params))),
    },
    open: () => ({ role: OPERATOR_ROLE, operator: '', session: null }),
    onProtocolError: (_connection, error) => house.journal.violation('export', error.code, { socket: EXPORT_SOCKET }),
  });
};
