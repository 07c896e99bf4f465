/** A socket as systemd passes it: bound, and listened on by nobody yet. Node has no call for that, so its own binding is asked. */

interface Binding {
  readonly Pipe: new (type: number) => BoundSocket & { bind(path: string): number };
  readonly constants: { readonly SERVER: number };
}

export interface BoundSocket {
  readonly fd: number;
  close(): void;
}

/** @throws Error where the path cannot be bound */
export const boundSocket = (path: string): BoundSocket => {
  const { Pipe, constants } = (process as unknown as { binding(name: 'pipe_wrap'): Binding }).binding('pipe_wrap');
  const handle = new Pipe(constants.SERVER);
  if (handle.bind(path) !== 0) throw new Error(`cannot bind ${path}`);
  return handle;
};
