/**
 * Unix sockets that the launcher binds and hands on without ever accepting on them, as systemd does.
 * node:net listens as soon as it binds and would take connections that belong to a daemon; the pipe binding of Node
 * binds only. It is deprecated for programs, which is why it stands here, in a development tool, and nowhere else.
 */
import { AirlockError } from '@airlock/protocol';
import { lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';

/** A bound socket; usable as a member of `stdio` of child_process.spawn. */
export interface BoundSocket {
  readonly name: string;
  readonly path: string;
  readonly handle: { readonly fd: number; close(): void };
}

interface PipeBinding {
  readonly Pipe: new (type: number) => { readonly fd: number; bind(path: string): number; close(): void };
  readonly constants: { readonly SERVER: number };
}

/** sun_path of unix(7) less its final NUL. */
const MAX_PATH_BYTES = 107;

const removeStale = (path: string): void => {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isSocket())
    throw new AirlockError('UNAVAILABLE', `${path} is in the way and is no socket`, { hint: `move ${path} away` });
  unlinkSync(path);
};

/** @throws AirlockError UNAVAILABLE where the path is too long, occupied or cannot be bound */
export const bindSocket = (name: string, path: string): BoundSocket => {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw new AirlockError('UNAVAILABLE', `the socket path ${path} has more than ${MAX_PATH_BYTES} bytes`, {
      hint: 'choose a shorter --dir',
    });
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  removeStale(path);
  const { Pipe, constants } = (process as unknown as { binding(name: 'pipe_wrap'): PipeBinding }).binding('pipe_wrap');
  const handle = new Pipe(constants.SERVER);
  // A socket's first mode comes from umask: closed to others from the first instant.
  const before = process.umask(0o177);
  const status = handle.bind(path);
  process.umask(before);
  if (status !== 0) throw new AirlockError('UNAVAILABLE', `${path} cannot be bound (${status})`);
  return { name, path, handle };
};

/** Closes and unlinks. */
export const closeSocket = ({ handle, path }: BoundSocket): void => {
  handle.close();
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true) unlinkSync(path);
};
